import { expect, test } from 'vitest'
import { differences } from './differences.ts'
import { absent, holding, including, inOrder, listOf, not, number, oneOf, text } from './pattern.ts'
import { printable, show } from './show.ts'

const of = (pattern: unknown, got: unknown): string[] => differences(pattern, got, 'body')

test('what is equal has no differences', () => {
  const value = { a: 1, b: [true, null, 'x'], c: { d: 'Poción' } }
  expect(of(value, structuredClone(value))).toEqual([])
})

test('each place that differs is told, with its path', () => {
  expect(of({ a: 1, b: { c: [1, 2] }, d: 'x' }, { a: 2, b: { c: [1, 3] }, d: 'x' })).toEqual([
    'body.a: expected 1, got 2',
    'body.b.c.1: expected 2, got 3',
  ])
})

test('a key too many and a key too few are differences', () => {
  expect(of({ a: 1, b: 2 }, { a: 1, z: 3 })).toEqual([
    'body.b: expected 2, got nothing',
    'body.z: expected nothing, got 3',
  ])
})

test('nothing is coerced: 5 is not "5", null is not absent, a list is no object', () => {
  expect(of(5, '5')).toHaveLength(1)
  expect(of(null, undefined)).toHaveLength(1)
  expect(of({}, [])).toHaveLength(1)
  expect(of([], {})).toHaveLength(1)
  expect(of({ 0: 1 }, [1])).toHaveLength(1)
})

test('lists are of one length', () => {
  expect(of([1], [1, 2])).toEqual(['body: expected 1 elements, got 2'])
})

test('keys of Object.prototype are no keys of the body', () => {
  expect(of({ constructor: absent, toString: absent }, {})).toEqual([])
  expect(of({}, JSON.parse('{"__proto__":1}'))).toEqual(['body.__proto__: expected nothing, got 1'])
  expect(of(including({ hasOwnProperty: text }), {})).toHaveLength(1)
})

test('a regular expression matches text alone', () => {
  expect(of(/^\d+$/, '12')).toEqual([])
  expect(of(/^\d+$/, 12)).toEqual(['body: expected text like /^\\d+$/, got 12'])
})

test('a regular expression is the same at every use', () => {
  const wanted = { a: /x/, b: /x/ }
  for (let i = 0; i < 3; i += 1) expect(of(wanted, { a: 'x', b: 'x' })).toEqual([])
})

test('including allows more keys, inOrder wants them all in their order', () => {
  expect(of(including({ a: 1 }), { a: 1, b: 2 })).toEqual([])
  expect(of(including({ a: 1 }), { b: 2 })).toEqual(['body: a: expected 1, got nothing'])
  expect(of(inOrder({ a: 1, b: 2 }), { a: 1, b: 2 })).toEqual([])
  expect(of(inOrder({ a: 1, b: 2 }), { b: 2, a: 1 })).toEqual(['body: expected the keys in the order a,b, got b,a'])
  expect(of(inOrder({ a: 1 }), { a: 1, b: 2 })).toEqual(['body: b: expected nothing, got 2'])
})

test('lists: every element, or some', () => {
  expect(of(listOf(number(1, 3), 2), [1, 3])).toEqual([])
  expect(of(listOf(number(1, 3)), [1, 4])).toEqual(['body: 1: expected a number from 1 up to 3, got 4'])
  expect(of(listOf(text, 1), [])).toEqual(['body: expected at least 1 elements, got 0'])
  expect(of(holding({ a: 1 }, { a: 2 }), [{ a: 2 }, { a: 3 }, { a: 1 }])).toEqual([])
  expect(of(holding({ a: 1 }, { a: 2 }), [{ a: 2 }])).toEqual(['body: lacks 1 of 2 expected elements'])
  expect(of(listOf(text), 'abc')).toHaveLength(1)
})

test('numbers have bounds, and NaN is none', () => {
  expect(of(number(), Number.NaN)).toHaveLength(1)
  expect(of(number(1, 2), 1)).toEqual([])
  expect(of(number(1, 2), 2.01)).toHaveLength(1)
})

test('one of several, and anything but', () => {
  expect(of(oneOf(400, 422), 422)).toEqual([])
  expect(of(oneOf(400, 422), 500)).toEqual(['body: expected 400 or 422, got 500'])
  expect(of(not('a'), 'b')).toEqual([])
  expect(of(not('a'), 'a')).toEqual(['body: expected not a, got "a"'])
  expect(of(text, '')).toHaveLength(1)
})

test('what is shown stays on its line, and is cut', () => {
  expect(printable('a\u001b[31m\r\n\u2028\u202e\u0000')).toBe('a\\u001b[31m\\u000d\\u000a\\u2028\\u202e\\u0000')
  expect(show('x'.repeat(500))).toHaveLength(200)
  expect(show(undefined)).toBe('nothing')
  expect(show({ id: text, like: /x/ })).toBe('{"id":"<a text>","like":"/x/"}')
  expect(show(10n)).toBe('10')
})

test('deep bodies are looked at to their end', () => {
  const deep = (leaf: unknown): unknown => Array.from({ length: 200 }).reduce((inner) => ({ inner }), leaf)
  expect(of(deep(1), deep(1))).toEqual([])
  expect(of(deep(1), deep(2))).toHaveLength(1)
})
