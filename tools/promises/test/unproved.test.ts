import { expect, test } from 'vitest'
import type { Proof } from '../../../test/promises/promise.ts'
import { testTitles } from '../titles.ts'
import { unproved } from '../unproved.ts'

const PATH = 'packages/escudo/src/policies/potion.test.ts'
const TEXT = `
  // test('a test that was commented out', () => {})
  describe('a potion', () => {
    test('heals the drinker', () => { expect('poisons the drinker').toBeDefined() })
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

test('prefixes titles with their groups and leaves tables unformatted', () => {
  expect(testTitles({ path: PATH, text: TEXT })).toEqual([
    'a potion > heals the drinker',
    'a potion > of $kind > is %s',
    'a potion > of $kind > costs … coins, never more',
    'keeps',
  ])
})

test('accepts a full title, a distinctive part of one, or a text of another file', () => {
  expect(missing(['policies/potion.test.ts', 'heals the drinker'])).toBe(0)
  expect(missing([PATH, 'a potion > heals the'])).toBe(0)
  expect(missing([PATH, 'keeps'])).toBe(0)
  expect(missing(['docs/potion.md', 'Shake before use'])).toBe(0)
})

test.each<[string, Proof]>([
  ['a missing file', ['policies/elixir.test.ts', 'heals the drinker']],
  ['a missing test', [PATH, 'heals the viewer']],
  ['a test in a comment', [PATH, 'a test that was commented out']],
  ['a text in the body of a test', [PATH, 'poisons the drinker']],
  ['a part that is too short', [PATH, 'is %s']],
  ['a missing text', ['docs/potion.md', 'Do not shake']],
])('rejects %s as a proof', (_what, proof) => {
  expect(missing(proof)).toBe(1)
})

test('reports a promise without proofs', () => {
  expect(missing()).toBe(1)
})
