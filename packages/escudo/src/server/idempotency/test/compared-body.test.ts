import { describe, expect, test } from 'vitest'
import { comparedBody } from '../compared-body.ts'

const headers = { 'content-type': 'Multipart/Form-Data; boundary=x', 'content-length': '7' }
const UNREAD = 'multipart/form-data 7'
const cycle: Record<string, unknown> = {}
cycle['self'] = cycle

describe('what is compared of', () => {
  test.each<[string, unknown, string]>([
    ['text', 'a', 'a'],
    ['an object', { a: 1 }, '{"a":1}'],
    ['null', null, 'null'],
    ['an object with a large integer', { a: 1n }, '{"a":"1n"}'],
    // As a parser reads 1e400. JSON has null for it, which is another body.
    ['an object with a number beyond all bounds', { a: [Number.POSITIVE_INFINITY, null] }, '{"a":["Infinity",null]}'],
    ['the fields of a form', new URLSearchParams({ a: '1' }), 'a=1'],
    ['no body', undefined, UNREAD],
    ['an object with a cycle', cycle, UNREAD],
    ['a function', () => {}, UNREAD],
    ['a stream', { pipe() {} }, UNREAD],
    ['an empty object', {}, `{} ${UNREAD}`],
    ['a map', new Map([['a', 1]]), `{} ${UNREAD}`],
  ])('%s', (_what, body, compared) => {
    expect(comparedBody(body, headers)).toBe(compared)
  })

  test('bytes, in each form', () => {
    const bytes = Uint8Array.of(9, 1, 2, 9)
    for (const body of [bytes.slice(1, 3), bytes.slice(1, 3).buffer, new DataView(bytes.buffer, 1, 2)]) {
      expect(comparedBody(body, headers)).toEqual(Uint8Array.of(1, 2))
    }
  })
})
