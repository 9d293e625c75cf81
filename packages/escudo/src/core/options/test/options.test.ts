import { expect, test } from 'vitest'
import { ConfigurationError } from '../configuration-error.ts'
import { checkedName, finiteNumber, knownKeys, oneOf, optionalFunction, share, wholeNumber } from '../options.ts'

const P = 'policy.option'

test.each<[string, () => unknown]>([
  ['a fraction', () => wholeNumber(1.5, P, 0)],
  ['NaN', () => wholeNumber(Number.NaN, P, 0)],
  ['Infinity', () => wholeNumber(Number.POSITIVE_INFINITY, P, 0)],
  ['text', () => wholeNumber('1', P, 0)],
  ['a bigint', () => wholeNumber(1n, P, 0)],
  ['a number below the minimum', () => wholeNumber(0, P, 1)],
  ['a number above the maximum', () => wholeNumber(11, P, 1, 10)],
  ['NaN as a number', () => finiteNumber(Number.NaN, P, 0)],
  ['Infinity as a number', () => finiteNumber(Number.POSITIVE_INFINITY, P, 0)],
  ['a fraction below the minimum', () => finiteNumber(0.9, P, 1)],
  ['a fraction above the maximum', () => finiteNumber(2.1, P, 1, 2)],
  ['text as a number', () => finiteNumber('1', P, 0)],
  ['a share of 0', () => share(0, P)],
  ['a share above 1', () => share(1.000001, P)],
  ['a share of NaN', () => share(Number.NaN, P)],
  ['a share as text', () => share('0.5', P)],
  ['text for a function', () => optionalFunction('f', P)],
  ['null for a function', () => optionalFunction(null, P)],
  ['an unknown word', () => oneOf('some', P, ['none', 'full'])],
  ['the name of a method of Array', () => oneOf('toString', P, ['none', 'full'])],
  ['an empty name', () => checkedName('', P)],
  ['a name of 101 characters', () => checkedName('x'.repeat(101), P)],
  ['a name that is no text', () => checkedName(5, P)],
  ['null for options', () => knownKeys(null, P, [])],
  ['an array of options', () => knownKeys([], P, [])],
  ['text for options', () => knownKeys('2s', P, [])],
])('rejects %s with an error that names the path', (_what, read) => {
  expect(read).toThrow(ConfigurationError)
  expect(read).toThrow(
    expect.objectContaining({ path: P, message: expect.stringMatching(/^policy\.option: expected /) }),
  )
})

test('rejects an unknown key with an error that names it and all known keys', () => {
  expect(() => knownKeys({ limit: 1, queu: 2 }, 'bulkhead', ['limit', 'queue'])).toThrow(
    expect.objectContaining({
      path: 'bulkhead.queu',
      message: "bulkhead.queu: no such option; known here: limit, queue; did you mean 'queue'?",
    }),
  )
})

test('rejects __proto__ and constructor as unknown keys', () => {
  expect(() => knownKeys(JSON.parse('{"__proto__":1}'), P, ['limit'])).toThrow('policy.option.__proto__')
  expect(() => knownKeys({ constructor: 1 }, P, ['limit'])).toThrow('policy.option.constructor')
})

test('returns valid values unchanged', () => {
  const f = (): number => 1
  expect(wholeNumber(10, P, 1, 10)).toBe(10)
  expect(finiteNumber(1.5, P, 1.5)).toBe(1.5)
  expect(share(1, P)).toBe(1)
  expect(optionalFunction(f, P)).toBe(f)
  expect(optionalFunction(undefined, P)).toBeUndefined()
  expect(oneOf('full', P, ['none', 'full'])).toBe('full')
  expect(checkedName('x'.repeat(100), P)).toBe('x'.repeat(100))
  expect(() => knownKeys({}, P, [])).not.toThrow()
})
