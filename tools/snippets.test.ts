// Every block of TypeScript that a reader may copy, from the documents and from the doc comments, compiles and runs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { snippetsOf } from './snippets/extract.ts'
import { type Verdict, Workshop } from './snippets/workshop.ts'
import { storedFiles, textFiles } from './tidy/repository.ts'
import { isSource } from './tidy/source-file.ts'

const files = textFiles(storedFiles().filter(({ path }) => isDocument(path) || isLibrary(path)))
const snippets = files.flatMap(snippetsOf)
const workshop = new Workshop()
let verdicts: readonly Verdict[] = []

beforeAll(async () => {
  verdicts = await workshop.judge(snippets)
}, 120_000)

afterAll(() => workshop.close())

test('the documents and the library have examples', () => {
  expect(snippets.filter(({ path }) => isDocument(path)).length).toBeGreaterThan(3)
  expect(snippets.filter(({ path }) => isLibrary(path)).length).toBeGreaterThan(15)
})

describe.each(snippets.map(({ path, line }, index) => ({ place: `${path}:${line}`, index })))('$place', ({ index }) => {
  test('compiles', () => {
    expect(verdicts[index]?.compiler).toEqual([])
  })

  test('runs', () => {
    expect(verdicts[index]).toBeDefined()
    expect(verdicts[index]?.failure).toBeUndefined()
  })
})

function isDocument(path: string): boolean {
  return /^(README[^/]*|[A-Z]+|docs\/.+|packages\/[^/]+\/README)\.md$/.test(path)
}

function isLibrary(path: string): boolean {
  return path.startsWith('packages/escudo/src/') && isSource(path)
}
