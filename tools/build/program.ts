import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from './compile.ts'

/**
 * Builds a package that has only a program: one script for each source. Removes what the folder contained before.
 *
 * @param folder the folder of the package
 * @param outDir where to write; default: `dist` in that folder
 * @throws Error if a source cannot be compiled
 */
export function buildProgram(folder: string, outDir: string = join(folder, 'dist')): void {
  rmSync(outDir, { recursive: true, force: true })
  compile('-p', folder, '--outDir', outDir)
}
