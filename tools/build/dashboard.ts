import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { ROOT } from '../tidy/repository.ts'
import { compile } from './compile.ts'
import { entriesOf } from './entries.ts'

const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')
const PAGE = 'page'
/** The program, what services import, and the program of a thread: it is where its source is. */
const ENTRIES = ['bin', 'fastify', 'lines/scan/scan-worker']

/**
 * Builds the dashboard: its scripts, and the page in the folder `page`.
 *
 * Removes what the folder contained before. The page is replaced last: tests may read it at the same time.
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
    await bundle(join(made, 'scripts/src'), outDir)
    compile(...options, '--outDir', join(made, 'types'), '--emitDeclarationOnly')
    copyDeclarations(folder, join(made, 'types/src'), outDir)
  } finally {
    rmSync(made, { recursive: true })
  }
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

/**
 * Makes few scripts of many: to load a script for each source takes longer than to read the newest lines.
 *
 * @param from the folder of the scripts
 */
async function bundle(from: string, outDir: string): Promise<void> {
  const bundler = await rolldown({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(from, `${name}.js`)])),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    platform: 'node',
    tsconfig: false,
    plugins: [
      {
        name: 'addresses',
        // What a source finds by its address is not beside the script that contains it now.
        transform: (code, id) => {
          const address = `new URL(${JSON.stringify(relative(from, id))}, ROOT_ADDRESS).href`
          return code.includes('import.meta.url') ? { code: code.replaceAll('import.meta.url', address) } : null
        },
        renderChunk: (code, { fileName }) => {
          const root = `new URL(${JSON.stringify('../'.repeat(fileName.split('/').length - 1) || './')}, import.meta.url)`
          return code.includes('ROOT_ADDRESS') ? { code: code.replaceAll('ROOT_ADDRESS', root) } : null
        },
      },
    ],
  })
  try {
    await bundler.write({ dir: outDir, entryFileNames: '[name].js', chunkFileNames: 'shared/[name].js', format: 'es' })
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
