import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { knownKeys, nearestName } from '../known-keys.ts'

const NAMES = ['signal', 'deadline', 'key', 'priority', 'maxRetries', 'minimumCalls']

describe('the nearest name', () => {
  test.each([
    ['signl', 'signal'],
    ['singal', 'signal'],
    ['signals', 'signal'],
    ['DEADLINE', 'deadline'],
    ['kye', 'key'],
    ['kee', 'key'],
    ['ke', 'key'],
    ['retries', 'maxRetries'],
    ['max_retries', 'maxRetries'],
    ['minimunCalls', 'minimumCalls'],
    ['signalOfTheCaller', 'signal'],
  ])('of %s is %s', (misspelled, name) => {
    expect(nearestName(misspelled, NAMES)).toBe(name)
  })

  test.each(['timeout', 'x', '', 'abc', 'y'.repeat(10_000)])('of %s does not exist', (name) => {
    expect(nearestName(name, NAMES)).toBeUndefined()
  })

  test('of a name after one edit is that name', () => {
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz')
    fc.assert(
      fc.property(
        fc.constantFrom('deadline', 'priority', 'maxRetries'),
        fc.nat(),
        letter,
        fc.nat(3),
        (name, at, a, edit) => {
          const index = at % (name.length - 1)
          const [before, after] = [name.slice(0, index), name.slice(index)]
          const swapped = `${after[1]}${after[0]}${after.slice(2)}`
          const misspelled = before + [a + after, after.slice(1), a + after.slice(1), swapped][edit]
          expect(nearestName(misspelled, NAMES)).toBe(name)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

test('knownKeys accepts known keys, also without a value', () => {
  expect(() => knownKeys({ key: 'k', signal: undefined }, 'run', NAMES)).not.toThrow()
  expect(() => knownKeys(Object.create({ inherited: 1 }), 'run', NAMES)).not.toThrow()
})

test('knownKeys refuses null for a known key', () => {
  expect(() => knownKeys({ key: null }, 'run', NAMES)).toThrow('run.key: expected a value or undefined, got null')
})

test('knownKeys refuses a promise, whose rejection it handles: an `await` is missing', () => {
  for (const promise of [Promise.resolve({ key: 'k' }), Promise.reject(new Error('no configuration'))]) {
    expect(() => knownKeys(promise, 'run', NAMES)).toThrow(
      'run: expected an object of options, got a promise; await it',
    )
  }
})
