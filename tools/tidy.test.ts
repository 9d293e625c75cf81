// The house rules, read from the repository as it stands. What each rule finds is shown in tools/tidy/*.test.ts.
import { expect, test } from 'vitest'
import { wrongArrows } from './tidy/arrows.ts'
import { undocumented } from './tidy/docs-of-exports.ts'
import { deadReferences } from './tidy/documents.ts'
import { codesOutOfStep } from './tidy/error-codes.ts'
import { printed } from './tidy/finding.ts'
import { dependenciesOf, manifestOf } from './tidy/manifest.ts'
import { publicSurface } from './tidy/public-surface.ts'
import { storedFiles, textFiles } from './tidy/repository.ts'
import { tooLarge, tooLong } from './tidy/sizes.ts'
import { isSource, type SourceFile } from './tidy/source-file.ts'
import { forbiddenWords } from './tidy/words.ts'

const FOLDER = 'packages/escudo'
const stored = storedFiles()
const files = textFiles(stored)
const manifestFile = fileAt(`${FOLDER}/package.json`)
const manifest = manifestOf(manifestFile)

test('every import points the right way', () => {
  const subpaths = Object.keys(manifest.exports).map((key) => manifest.name + key.slice(1))
  const peers = Object.keys(manifest.peerDependencies ?? {})
  expect(printed(wrongArrows(files, { subpaths, peers }))).toEqual([])
})

test('no source is too long to have one subject', () => {
  expect(printed(tooLong(files))).toEqual([])
})

test('every public name has a doc comment, every public function and class an example', () => {
  const surface = publicSurface(manifest, FOLDER, files)
  expect(surface.names.length).toBeGreaterThan(40)
  expect(printed(undocumented(surface))).toEqual([])
})

test('docs/errors.md lists every error code, and no other', () => {
  const sources = files.filter(({ path }) => /^(packages|examples)\/[^/]+\/src\//.test(path) && isSource(path))
  expect(printed(codesOutOfStep(sources, fileAt('docs/errors.md')))).toEqual([])
})

test('what the documents refer to is there', () => {
  const documents = files.filter(({ path }) => path.endsWith('.md'))
  const { scripts } = JSON.parse(fileAt('package.json').text) as { scripts: Record<string, string> }
  const paths = new Set(stored.map(({ path }) => path))
  expect(printed(deadReferences(documents, { paths, scripts: Object.keys(scripts) }))).toEqual([])
})

test('the library has no dependencies', () => {
  expect(printed(dependenciesOf(manifestFile))).toEqual([])
})

test('no file is larger than a megabyte', () => {
  expect(printed(tooLarge(stored))).toEqual([])
})

test('no file names a machine or a registry', () => {
  expect(printed(forbiddenWords(files))).toEqual([])
})

function fileAt(path: string): SourceFile {
  const file = files.find((one) => one.path === path)
  if (file === undefined) throw new Error(`${path} is missing`)
  return file
}
