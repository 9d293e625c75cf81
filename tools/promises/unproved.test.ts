import { expect, test } from 'vitest'
import type { Proof } from '../../test/promises/promise.ts'
import { testTitles } from './titles.ts'
import { unproved } from './unproved.ts'

const PATH = 'packages/escudo/src/policies/potion.test.ts'
const TEXT = `
  // test('a test that was commented out', () => {})
  describe('a potion', () => {
    test('heals whoever drinks it', () => { expect('poisons whoever drinks it').toBeDefined() })
    describe.each(KINDS)('of $kind', () => {
      test.each([['red', 1]])('is %s', async () => {})
      test.skipIf(WINDOWS)(\`costs \${price} coins, never more\`, () => {})
    })
  })
  it('keeps', () => {})
`
const files = [
  { path: PATH, text: TEXT },
  { path: 'docs/potion.md', text: 'Shake before use.' },
]
const missing = (...proofs: Proof[]): number => unproved([{ promise: 'heals', proofs }], files).length

test('titles stand behind those of their groups, tables and templates as they are written', () => {
  expect(testTitles({ path: PATH, text: TEXT })).toEqual([
    'a potion > heals whoever drinks it',
    'a potion > of $kind > is %s',
    'a potion > of $kind > costs … coins, never more',
    'keeps',
  ])
})

test('a proof is a test by that name, or with a distinctive part of it, in that file', () => {
  expect(missing(['policies/potion.test.ts', 'heals whoever drinks it'])).toBe(0)
  expect(missing([PATH, 'a potion > heals whoever'])).toBe(0)
  expect(missing([PATH, 'keeps'])).toBe(0)
  expect(missing(['docs/potion.md', 'Shake before use'])).toBe(0)
})

test.each<[string, Proof]>([
  ['a file that is not there', ['policies/elixir.test.ts', 'heals whoever drinks it']],
  ['a test that is not there', [PATH, 'heals whoever sees it']],
  ['one that was commented out', [PATH, 'a test that was commented out']],
  ['what a test says, and not its name', [PATH, 'poisons whoever drinks it']],
  ['a part that could be of anything', [PATH, 'is %s']],
  ['a text that is not there', ['docs/potion.md', 'Do not shake']],
])('%s proves nothing', (_what, proof) => {
  expect(missing(proof)).toBe(1)
})

test('a promise without proofs is unproved', () => {
  expect(missing()).toBe(1)
})
