import type { Finding } from './finding.ts'
import type { StoredFile } from './repository.ts'
import { isTest, type SourceFile } from './source-file.ts'

const LINES_MAX = 300
const LINES_MAX_OF_TESTS = 400
const BYTES_MAX = 1024 * 1024

/** Finds sources with more lines than their limit. */
export function tooLong(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => /\.(ts|tsx|js|mjs|css)$/.test(path))
    .flatMap(({ path, text }) => {
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
      const max = isTest(path) ? LINES_MAX_OF_TESTS : LINES_MAX
      return lines > max
        ? [{ file: path, problem: `${lines} lines; the limit is ${max}. Split it: one subject a file` }]
        : []
    })
}

/** Finds files larger than 1 MiB. */
export function tooLarge(files: readonly StoredFile[]): Finding[] {
  return files
    .filter(({ bytes }) => bytes > BYTES_MAX)
    .map(({ path, bytes }) => ({ file: path, problem: `${bytes} bytes; the limit is ${BYTES_MAX}` }))
}
