import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from './compile.ts'

/**
 * Builds a package that has only a program: one script for each source. Removes what its `dist` contained before.
 *
 * @throws Error if a source cannot be compiled
 */
export function buildProgram(folder: string): void {
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  compile('-p', folder)
}
