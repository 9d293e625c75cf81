import { expect, test } from 'vitest'
import { differences } from '../differences.ts'
import { absent, containing, including, inOrder, listOf, not, number, oneOf, text } from '../pattern.ts'
import { printable, show } from '../show.ts'

const of = (pattern: unknown, got: unknown): string[] => differences(pattern, got, 'body')

test('finds no difference between equal values', () => {
  const value = { a: 1, b: [true, null, 'x'], c: { d: 'Poción' } }
  expect(of(value, structuredClone(value))).toEqual([])
})

test('reports each difference with its path', () => {
  expect(of({ a: 1, b: { c: [1, 2] }, d: 'x' }, { a: 2, b: { c: [1, 3] }, d: 'x' })).toEqual([
    'body.a: expected 1, got 2',
    'body.b.c.1: expected 2, got 3',
  ])
})

test('reports extra and missing keys', () => {
  expect(of({ a: 1, b: 2 }, { a: 1, z: 3 })).toEqual([
    'body.b: expected 2, got nothing',
    'body.z: expected nothing, got 3',
  ])
})

test('does not coerce: 5 is not "5", null is not absent, a list is not an object', () => {
  expect(of(5, '5')).toHaveLength(1)
  expect(of(null, undefined)).toHaveLength(1)
  expect(of({}, [])).toHaveLength(1)
  expect(of([], {})).toHaveLength(1)
  expect(of({ 0: 1 }, [1])).toHaveLength(1)
})

test('reports lists of different lengths', () => {
  expect(of([1], [1, 2])).toEqual(['body: expected 1 elements, got 2'])
})

test('ignores the keys of Object.prototype', () => {
  expect(of({ constructor: absent, toString: absent }, {})).toEqual([])
  expect(of({}, JSON.parse('{"__proto__":1}'))).toEqual(['body.__proto__: expected nothing, got 1'])
  expect(of(including({ hasOwnProperty: text }), {})).toHaveLength(1)
})

test('matches a regular expression only with text', () => {
  expect(of(/^\d+$/, '12')).toEqual([])
  expect(of(/^\d+$/, 12)).toEqual(['body: expected text like /^\\d+$/, got 12'])
})

test('matches a regular expression the same way every time', () => {
  const wanted = { a: /x/, b: /x/ }
  for (let i = 0; i < 3; i += 1) expect(of(wanted, { a: 'x', b: 'x' })).toEqual([])
})

test('including allows extra keys; inOrder requires exactly its keys in order', () => {
  expect(of(including({ a: 1 }), { a: 1, b: 2 })).toEqual([])
  expect(of(including({ a: 1 }), { b: 2 })).toEqual(['body: a: expected 1, got nothing'])
  expect(of(inOrder({ a: 1, b: 2 }), { a: 1, b: 2 })).toEqual([])
  expect(of(inOrder({ a: 1, b: 2 }), { b: 2, a: 1 })).toEqual(['body: expected the keys in the order a,b, got b,a'])
  expect(of(inOrder({ a: 1 }), { a: 1, b: 2 })).toEqual(['body: b: expected nothing, got 2'])
})

test('matches all elements of a list or some of them', () => {
  expect(of(listOf(number(1, 3), 2), [1, 3])).toEqual([])
  expect(of(listOf(number(1, 3)), [1, 4])).toEqual(['body: 1: expected a number from 1 up to 3, got 4'])
  expect(of(listOf(text, 1), [])).toEqual(['body: expected at least 1 elements, got 0'])
  expect(of(containing({ a: 1 }, { a: 2 }), [{ a: 2 }, { a: 3 }, { a: 1 }])).toEqual([])
  expect(of(containing({ a: 1 }, { a: 2 }), [{ a: 2 }])).toEqual(['body: lacks 1 of 2 expected elements'])
  expect(of(listOf(text), 'abc')).toHaveLength(1)
})

test('checks the bounds of a number and rejects NaN', () => {
  expect(of(number(), Number.NaN)).toHaveLength(1)
  expect(of(number(1, 2), 1)).toEqual([])
  expect(of(number(1, 2), 2.01)).toHaveLength(1)
})

test('matches alternatives and negations', () => {
  expect(of(oneOf(400, 422), 422)).toEqual([])
  expect(of(oneOf(400, 422), 500)).toEqual(['body: expected 400 or 422, got 500'])
  expect(of(not('a'), 'b')).toEqual([])
  expect(of(not('a'), 'a')).toEqual(['body: expected not a, got "a"'])
  expect(of(text, '')).toHaveLength(1)
})

test('shows a value escaped and truncated on one line', () => {
  expect(printable('a\u001b[31m\r\n\u2028\u202e\u0000')).toBe('a\\u001b[31m\\u000d\\u000a\\u2028\\u202e\\u0000')
  expect(show('x'.repeat(500))).toHaveLength(200)
  expect(show(undefined)).toBe('nothing')
  expect(show({ id: text, like: /x/ })).toBe('{"id":"<a text>","like":"/x/"}')
  expect(show(10n)).toBe('10')
})

test('compares deeply nested bodies', () => {
  const deep = (leaf: unknown): unknown => Array.from({ length: 200 }).reduce((inner) => ({ inner }), leaf)
  expect(of(deep(1), deep(1))).toEqual([])
  expect(of(deep(1), deep(2))).toHaveLength(1)
})
