import type { Promised } from '../../test/promises/promise.ts'
import type { SourceFile } from '../tidy/source-file.ts'
import { testTitles } from './titles.ts'

const SOURCES = 'packages/escudo/src/'
// A shorter text would match too many titles.
const PART_CHARACTERS_MIN = 10

/**
 * Finds promises whose proof does not exist.
 *
 * A proof names a file and a text: in a test file a title or part of one, elsewhere any text of the file.
 */
export function unproved(promises: readonly Promised[], files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return promises.flatMap(({ promise, proofs }) => {
    if (proofs.length === 0) return [`${promise}: it has no proof`]
    return proofs.flatMap(([path, name]) => {
      const file = byPath.get(SOURCES + path) ?? byPath.get(path)
      if (file === undefined) return [`${promise}: there is no file ${path}`]
      return proves(file, name) ? [] : [`${promise}: ${file.path} has no test '${name}'`]
    })
  })
}

function proves(file: SourceFile, name: string): boolean {
  if (!file.path.endsWith('.test.ts')) return file.text.includes(name)
  return testTitles(file).some(
    (title) => title === name || (name.length >= PART_CHARACTERS_MIN && title.includes(name)),
  )
}
