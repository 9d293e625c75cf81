import type { Promised } from '../../test/promises/promise.ts'
import type { SourceFile } from '../tidy/source-file.ts'
import { testTitles } from './titles.ts'

const SOURCES = 'packages/escudo/src/'
// Less could stand in any title.
const PART_CHARACTERS_MIN = 10

/** What is missing of the proofs: a file, or in a file of tests one whose title has the name in it, elsewhere its text. */
export function unproved(promises: readonly Promised[], files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return promises.flatMap(({ promise, proofs }) => {
    if (proofs.length === 0) return [`${promise}: nothing proves it`]
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
