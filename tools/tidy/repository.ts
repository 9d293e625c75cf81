import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from './source-file.ts'

/** The root of the repository, as a path. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** A file with its size, which may be too large to read. */
export interface StoredFile {
  readonly path: string
  readonly bytes: number
}

/** Every file that is in git or would be added to it: what the ignore file names is no part of the project. */
export function storedFiles(root: string = ROOT): readonly StoredFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const paths = new Set(listed.split('\0').filter((path) => path !== ''))
  return [...paths].sort().flatMap((path) => {
    // A file that was deleted and not committed yet is still listed.
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    return stat?.isFile() ? [{ path, bytes: stat.size }] : []
  })
}

/** The texts among the files. What holds a NUL is no text. */
export function textFiles(files: readonly StoredFile[], root: string = ROOT): readonly SourceFile[] {
  return files
    .map(({ path }) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}
