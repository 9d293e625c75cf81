// Compiles and runs every `ts` block of the documents and of the library's doc comments.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { snippetsOf } from './snippets/extract.ts'
import { type SnippetResult, SnippetRunner } from './snippets/runner.ts'
import { storedFiles, textFiles } from './tidy/repository.ts'
import { isSource } from './tidy/source-file.ts'

const files = textFiles(storedFiles().filter(({ path }) => isDocument(path) || isLibrary(path)))
const snippets = files.flatMap(snippetsOf)
const runner = new SnippetRunner()
let results: readonly SnippetResult[] = []

beforeAll(async () => {
  results = await runner.run(snippets)
}, 300_000)

afterAll(() => runner.close())

test('finds snippets in the documents and in the library', () => {
  expect(snippets.filter(({ path }) => isDocument(path)).length).toBeGreaterThan(3)
  expect(snippets.filter(({ path }) => isLibrary(path)).length).toBeGreaterThan(15)
})

describe.each(snippets.map(({ path, line }, index) => ({ place: `${path}:${line}`, index })))('$place', ({ index }) => {
  test('compiles', () => {
    expect(results[index]?.compilerErrors).toEqual([])
  })

  test('runs', () => {
    expect(results[index]).toBeDefined()
    expect(results[index]?.failure).toBeUndefined()
  })
})

function isDocument(path: string): boolean {
  return /^(README[^/]*|[A-Z]+|docs\/.+|packages\/[^/]+\/README)\.md$/.test(path)
}

function isLibrary(path: string): boolean {
  return /^packages\/(?:escudo|dashboard)\/src\//.test(path) && isSource(path)
}
