import type { Finding } from './finding.ts'
import type { StoredFile } from './repository.ts'
import { isTest, type SourceFile } from './source-file.ts'

const LINES_MAX = 400
/** Where a file that grows is a state machine that takes on a second subject. */
const LINES_MAX_OF_LOGIC = 300
const LOGIC = /^packages\/escudo\/src\/(mechanisms|policies)\//
const BYTES_MAX = 1024 * 1024

/** Sources that are too long to have one subject. */
export function tooLong(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => /\.(ts|tsx|js|mjs|css)$/.test(path))
    .flatMap(({ path, text }) => {
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
      const max = LOGIC.test(path) && !isTest(path) ? LINES_MAX_OF_LOGIC : LINES_MAX
      return lines > max ? [{ file: path, problem: `${lines} lines; at most ${max}: one file, one subject` }] : []
    })
}

/** Files that do not belong into a repository of sources. */
export function tooLarge(files: readonly StoredFile[]): Finding[] {
  return files
    .filter(({ bytes }) => bytes > BYTES_MAX)
    .map(({ path, bytes }) => ({ file: path, problem: `${bytes} bytes; at most ${BYTES_MAX}` }))
}
