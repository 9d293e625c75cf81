// Runs each example of docs/migrate with both libraries, and compares the names in the tables with the libraries.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SnippetResult, SnippetRunner } from '../../tools/snippets/runner.ts'
import { declaredNames } from './helpers/declared-names.ts'
import { unknownNames } from './helpers/escudo-names.ts'
import { opossumNames } from './helpers/opossum-names.ts'
import { migrationPage, promisedOutput } from './helpers/page.ts'

const PAGES = {
  cockatiel: migrationPage('cockatiel'),
  opossum: migrationPage('opossum'),
  'p-retry': migrationPage('p-retry'),
}
const EXAMPLES = Object.entries(PAGES).flatMap(([library, { examples }]) =>
  examples.map(([theirs, ours]) => ({ library, place: `${theirs.path}:${theirs.line}`, theirs, ours })),
)

describe.each(Object.entries(PAGES))('docs/migrate/%s.md', (library, { names, equals }) => {
  const sections: Readonly<Record<string, () => readonly string[]>> = {
    cockatiel: () => declaredNames('cockatiel', 'dist/index.d.ts'),
    'p-retry': () => declaredNames('p-retry', 'index.d.ts'),
  }
  const declared = sections[library]
  test('names only what escudo has', () => {
    expect(equals.length).toBeGreaterThan(20)
    expect(equals.flatMap((code) => unknownNames(code).map((name) => `${name} in ${code}`))).toEqual([])
  })

  if (declared !== undefined) {
    test('names every export, option, event and method of the library, and no other', () => {
      expect([...names.values()].flat().sort()).toEqual(declared())
    })
  } else {
    test.each(Object.entries(opossumNames()))('names all of "%s", and no other', (heading, expected) => {
      expect([...(names.get(heading) ?? [])].sort()).toEqual(expected)
    })
  }
})

describe('the examples', () => {
  const runner = new SnippetRunner()
  let results: readonly SnippetResult[] = []

  beforeAll(async () => {
    results = await runner.run(EXAMPLES.flatMap(({ theirs, ours }) => [theirs, ours]))
  }, 120_000)

  afterAll(() => runner.close())

  test('of each page are several', () => {
    for (const { examples } of Object.values(PAGES)) expect(examples.length).toBeGreaterThan(4)
  })

  test.each(EXAMPLES.map((example, index) => ({ ...example, index })))(
    '$place behaves the same in both',
    ({ library, theirs, ours, index }) => {
      expect(theirs.code).toContain(`from '${library}'`)
      expect(ours.code).toContain("from 'escudo'")
      const promised = promisedOutput(theirs)
      expect(promised).not.toBe('')
      expect(promisedOutput(ours)).toBe(promised)
      for (const result of [results[index * 2], results[index * 2 + 1]]) {
        expect(result).toEqual({ compilerErrors: [], failure: undefined, output: promised })
      }
    },
  )
})
