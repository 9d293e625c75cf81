// Checks the house rules on every file of the repository. The tests of the rules are in tools/tidy/test.
import { expect, test } from 'vitest'
import { bannedWords } from './tidy/banned-words.ts'
import { commitSubjects, longSubjects } from './tidy/commit-subjects.ts'
import { deadReferences } from './tidy/documents.ts'
import { mismatchedCodes } from './tidy/error-codes.ts'
import { printed } from './tidy/finding.ts'
import { ROOT, storedFiles, textFiles } from './tidy/repository.ts'
import { tooLarge, tooLong } from './tidy/sizes.ts'
import { isSource, type SourceFile } from './tidy/source-file.ts'
import { forbiddenWords } from './tidy/words.ts'

const stored = storedFiles()
const files = textFiles(stored)

test('no source is too long', () => {
  expect(printed(tooLong(files))).toEqual([])
})

test('docs/errors.md lists exactly the error codes of the sources', () => {
  const sources = files.filter(({ path }) => /^(packages|examples)\/[^/]+\/src\//.test(path) && isSource(path))
  expect(printed(mismatchedCodes(sources, fileAt('docs/errors.md')))).toEqual([])
})

test('documents name only existing scripts, and the guides only existing sources', () => {
  const documents = files.filter(({ path }) => path.endsWith('.md'))
  const { scripts } = JSON.parse(fileAt('package.json').text) as { scripts: Record<string, string> }
  const paths = new Set(stored.map(({ path }) => path))
  expect(printed(deadReferences(documents, { paths, scripts: Object.keys(scripts) }))).toEqual([])
})

test('the library has no dependencies', () => {
  const manifest = JSON.parse(fileAt('packages/escudo/package.json').text) as Record<string, object | undefined>
  const lists = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']
  expect(lists.flatMap((list) => Object.values(manifest[list] ?? {}))).toEqual([])
})

test('no file is larger than a megabyte', () => {
  expect(printed(tooLarge(stored))).toEqual([])
})

test('no file names a machine or a registry', () => {
  expect(printed(forbiddenWords(files))).toEqual([])
})

test('no text uses a banned expression', () => {
  expect(printed(bannedWords(files))).toEqual([])
})

test('commit subjects have at most 72 characters', () => {
  expect(longSubjects(commitSubjects(ROOT))).toEqual([])
})

function fileAt(path: string): SourceFile {
  const file = files.find((one) => one.path === path)
  if (file === undefined) throw new Error(`${path} is missing`)
  return file
}
