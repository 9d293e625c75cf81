import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from './source-file.ts'

/** The absolute path of the repository's root. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** A file of the repository, not read yet, because it may be too large. */
export interface StoredFile {
  readonly path: string
  readonly bytes: number
}

/** Lists every file that git tracks or would add; ignored files are excluded. */
export function storedFiles(root: string = ROOT): readonly StoredFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const paths = new Set(listed.split('\0').filter((path) => path !== ''))
  return [...paths].sort().flatMap((path) => {
    // Git still lists a file whose deletion is not committed.
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    return stat?.isFile() ? [{ path, bytes: stat.size }] : []
  })
}

/** Reads the text files; a file with a NUL is not text. */
export function textFiles(files: readonly StoredFile[], root: string = ROOT): readonly SourceFile[] {
  return files
    .map(({ path }) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}
