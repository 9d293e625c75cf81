import { json, property, assert as run } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { answerHeaders } from '../answer-headers.ts'
import { jsonTypeError, parseJson } from '../json-body.ts'
import { isDecodable, routeError } from '../not-found.ts'

describe('jsonTypeError', () => {
  it.each([
    ['application/json'],
    ['APPLICATION/JSON'],
    [' application/json ; charset=utf-8'],
    ['application/json; charset="UTF8"'],
    ['application/json; x=y'],
  ])('accepts %j', (type) => {
    expect(jsonTypeError(type, undefined)).toBeUndefined()
    expect(jsonTypeError(type, ' identity ')).toBeUndefined()
    expect(factsOf(jsonTypeError(type, 'gzip'))?.code).toBe('UNSUPPORTED_MEDIA_TYPE')
  })

  it.each([
    [undefined],
    [''],
    ['text/json'],
    ['application/jsonp'],
    ['application/problem+json'],
    ['application/json; charset=latin1'],
    ['application/json; charset=utf-16'],
    ['xapplication/json'],
  ])('rejects %j', (type) => {
    expect(factsOf(jsonTypeError(type, undefined))).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })
})

describe('parseJson', () => {
  it.each([
    [''],
    [' '],
    ['{'],
    ['undefined'],
    ["{'a':1}"],
    ['{"__proto__":1}'],
    ['{"a":[{"\\u005f\\u005fproto__":1}]}'],
    ['{"constructor":{"prototype":{}}}'],
    [new Uint8Array([0x22, 0xff, 0x22])],
    [new Uint8Array([0xed, 0xa0, 0x80])],
  ])('rejects %j', (text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ name: expect.any(String) }))
    try {
      parseJson(text)
    } catch (error) {
      expect(factsOf(error)).toMatchObject({ status: 400, code: 'MALFORMED_JSON' })
    }
  })

  it('accepts what only looks like a prototype', () => {
    for (const text of ['{"constructor":"x"}', '["__proto__"]', '{"prototype":{}}', '{"a":"constructor"}']) {
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }
  })

  it('reads deep and wide bodies', () => {
    const deep = `${'['.repeat(3_000)}"__proto__"${']'.repeat(3_000)}`
    expect(() => parseJson(deep)).not.toThrow()
    expect(parseJson(`["__proto__"${',1'.repeat(300_000)}]`)).toHaveLength(300_001)
  })

  it('is JSON.parse for all other values', () => {
    run(
      property(json(), (text) => {
        if (!/__proto__|constructor/.test(text))
          expect(parseJson(new TextEncoder().encode(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })
})

describe('routeError', () => {
  it.each([
    ['GET', [], 404, undefined],
    ['GET', ['GET'], 404, undefined],
    ['PUT', ['GET', 'HEAD'], 405, { allow: 'GET, HEAD' }],
  ])('%s on a path with %j is %i', (method, methods, status, headers) => {
    const error = routeError(method, methods)
    expect(factsOf(error)?.status).toBe(status)
    expect((error as { readonly headers?: unknown }).headers).toEqual(headers)
  })
})

it.each([
  ['/a%20b', true],
  ['/ñ', true],
  ['/100%', false],
  ['/%zz', false],
  ['/%e0%a4', false],
])('isDecodable(%j) is %s', (path, expected) => {
  expect(isDecodable(path)).toBe(expected)
})

it('answerHeaders drops what described the body, keeps the rest, and merges Vary', () => {
  const contract = createErrorContract({ service: 'x', errors: defineErrors({}) })
  const answer = contract.translate(new Error('bug'), { traceId: 'a'.repeat(32) })
  const made = new Headers([
    ['etag', '"x"'],
    ['content-length', '7'],
    ['cache-control', 'public'],
    ['vary', 'Origin'],
    ['access-control-allow-origin', '*'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['x-trace-id', 'of a handler'],
  ])
  const headers = new Headers(answerHeaders(answer, made))
  expect(Object.fromEntries(headers)).toEqual({
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
    'content-language': 'en',
    'content-type': 'application/json; charset=utf-8',
    'set-cookie': 'b=2',
    vary: 'Origin, Accept, Accept-Language',
    'x-trace-id': 'a'.repeat(32),
  })
  expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  // Without others, as a new object.
  const alone = { ...answer.headers, 'x-trace-id': 'a'.repeat(32) }
  for (const none of [undefined, new Headers()]) expect(answerHeaders(answer, none)).toEqual(alone)
})
