import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { ROOT } from '../tidy/repository.ts'
import { compile } from './compile.ts'
import { entriesOf } from './entries.ts'

const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')
const PAGE = 'page'
/** The only source that imports from the page: the words of the report. */
const WORDING = 'export/wording'

/**
 * Builds the dashboard: one script for each source, and the page in the folder `page`.
 *
 * A script for each source, so that a worker finds its script beside the one that starts it. Removes what the folder
 * contained before. The page is replaced last: tests may read it at the same time.
 *
 * @param folder the folder of the package
 * @param outDir where to write; default: `dist` in that folder
 * @throws Error if a source cannot be compiled
 */
export async function buildDashboard(folder: string, outDir: string = join(folder, 'dist')): Promise<void> {
  for (const name of existsSync(outDir) ? readdirSync(outDir) : [])
    if (name !== PAGE) rmSync(join(outDir, name), { recursive: true })
  const made = mkdtempSync(join(tmpdir(), 'escudo-dashboard-build-'))
  try {
    // With the modules of the page that the sources import, each below the folder of the package.
    const options = ['-p', folder, '--rootDir', folder]
    compile(...options, '--outDir', join(made, 'scripts'), '--declaration', 'false', '--removeComments')
    cpSync(join(made, 'scripts/src'), outDir, { recursive: true })
    compile(...options, '--outDir', join(made, 'types'), '--emitDeclarationOnly')
    copyDeclarations(folder, join(made, 'types/src'), outDir)
  } finally {
    rmSync(made, { recursive: true })
  }
  await bundleWording(folder, outDir)
  buildPage(folder, join(outDir, PAGE))
}

/** Copies the declarations that the public subpaths need, and no others: the program has none. */
function copyDeclarations(folder: string, from: string, to: string): void {
  const wanted = new Set(entriesOf(folder).map(({ name }) => `${name}.d.ts`))
  // What is added during the loop is visited too.
  for (const name of wanted) {
    const text = readFileSync(join(from, name), 'utf8')
    for (const [, path = ''] of text.matchAll(/\bfrom '(\.[^']+)\.ts'/g))
      wanted.add(`${join(dirname(name), path)}.d.ts`)
    mkdirSync(dirname(join(to, name)), { recursive: true })
    writeFileSync(join(to, name), text)
  }
}

/** Makes one script of what the sources take from the page, which is not packed as sources. */
async function bundleWording(folder: string, outDir: string): Promise<void> {
  const bundler = await rolldown({ input: join(folder, `src/${WORDING}.ts`), platform: 'node', tsconfig: false })
  try {
    await bundler.write({ file: join(outDir, `${WORDING}.js`), format: 'es' })
  } finally {
    await bundler.close()
  }
}

function buildPage(folder: string, outDir: string): void {
  const args = [VITE, 'build', join(folder, PAGE), '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  try {
    execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${stdout}${stderr}` || String(error))
  }
}
