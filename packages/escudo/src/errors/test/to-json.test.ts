import { describe, expect, test } from 'vitest'
import { toJson, truncate } from '../to-json.ts'

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(toJson(value)))

describe('toJson', () => {
  const circular: Record<string, unknown> = { name: 'loop' }
  circular['self'] = circular
  const getter = Object.defineProperty({ fine: 1 }, 'broken', {
    enumerable: true,
    get() {
      throw new Error('getter')
    },
  })
  const refuse = (): never => {
    throw new Error('trap')
  }
  test.each([
    ['a circular reference', circular, { name: 'loop', self: '[circular]' }],
    ['a bigint', { big: 10n }, { big: '10' }],
    ['NaN and Infinity', { a: Number.NaN, b: Number.POSITIVE_INFINITY }, { a: null, b: null }],
    ['a map and a set', { map: new Map([['k', 1]]), set: new Set([1, 2]) }, { map: { k: 1 }, set: [1, 2] }],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['an invalid date', { at: new Date(Number.NaN) }, { at: null }],
    ['symbols and functions', { s: Symbol('s'), f: () => 1, u: undefined, ok: true }, { ok: true }],
    ['a getter that throws', getter, { fine: 1, broken: '[unreadable]' }],
    ['a proxy whose traps throw', { p: new Proxy({}, { get: refuse, ownKeys: refuse }) }, { p: '[unreadable]' }],
    ['a toJSON that throws', { x: { toJSON: refuse } }, { x: '[unreadable]' }],
    [
      'a toJSON that returns its own object',
      {
        x: {
          toJSON() {
            return this
          },
        },
      },
      { x: '[circular]' },
    ],
    ['an object that appears twice without a cycle', [circular['name'], [1], [1]], ['loop', [1], [1]]],
    ['undefined', undefined, null],
  ])('converts %s', (_, value, expected) => {
    expect(json(value)).toEqual(expected)
  })

  test('replaces numbers that JSON cannot represent with null', () => {
    expect(toJson([Number.NaN, Number.NEGATIVE_INFINITY, -0])).toEqual([null, null, -0])
  })

  test('treats __proto__ as an ordinary key', () => {
    const text = JSON.stringify(toJson(JSON.parse('{"__proto__":{"admin":true}}')))
    expect(text).toBe('{"__proto__":{"admin":true}}')
    const nested = toJson({ a: JSON.parse('{"__proto__":{"admin":true},"b":1}') }) as { a: { admin?: boolean } }
    expect(nested.a.admin).toBeUndefined()
    expect(Object.getPrototypeOf(nested.a)).toBe(Object.prototype)
    expect(Object.keys(nested.a)).toEqual(['__proto__', 'b'])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})

describe('bounds', () => {
  test('keeps a megabyte of text, a million entries and deep nesting small', () => {
    let deep: unknown = 1
    for (let level = 0; level < 10_000; level += 1) deep = [deep]
    const big = { text: 'x'.repeat(1_000_000), list: Array.from({ length: 1_000_000 }, () => 'entry'), deep }
    expect(JSON.stringify(toJson(big)).length).toBeLessThan(200_000)
    expect(JSON.stringify(toJson(Array.from({ length: 100 }, () => big))).length).toBeLessThan(200_000)
  })

  test('marks an object nested deeper than 8 levels as truncated', () => {
    const nested = (levels: number): unknown => (levels === 0 ? {} : { a: nested(levels - 1) })
    expect(JSON.stringify(toJson(nested(8)))).toContain('"a":"[truncated]"')
    expect(JSON.stringify(toJson(nested(7)))).not.toContain('[truncated]')
  })

  test('never splits a surrogate pair', () => {
    expect(truncate('ab😀', 3)).toBe('ab…')
    expect(truncate('ab😀', 4)).toBe('ab😀')
  })
})
