import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import { compile } from './compile.ts'
import { entriesOf } from './entries.ts'

const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')
const PAGE = 'page'

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
export function buildDashboard(folder: string, outDir: string = join(folder, 'dist')): void {
  for (const name of existsSync(outDir) ? readdirSync(outDir) : [])
    if (name !== PAGE) rmSync(join(outDir, name), { recursive: true })
  compile('-p', folder, '--outDir', outDir, '--declaration', 'false', '--removeComments')
  declare(folder, outDir)
  buildPage(folder, join(outDir, PAGE))
}

/** Writes the declarations that the public subpaths need, and no others: the program has none. */
function declare(folder: string, outDir: string): void {
  const all = mkdtempSync(join(tmpdir(), 'escudo-declarations-'))
  try {
    compile('-p', folder, '--outDir', all, '--emitDeclarationOnly')
    const wanted = new Set(entriesOf(folder).map(({ name }) => `${name}.d.ts`))
    // What is added during the loop is visited too.
    for (const name of wanted) {
      const text = readFileSync(join(all, name), 'utf8')
      for (const [, path = ''] of text.matchAll(/\bfrom '(\.[^']+)\.ts'/g))
        wanted.add(`${join(dirname(name), path)}.d.ts`)
      mkdirSync(dirname(join(outDir, name)), { recursive: true })
      writeFileSync(join(outDir, name), text)
    }
  } finally {
    rmSync(all, { recursive: true })
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
