import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import { compile } from './compile.ts'

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
  buildPage(folder, join(outDir, PAGE))
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
