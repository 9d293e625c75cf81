import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createErrorContract, defineErrors, type ErrorAnswer, WellKnown } from 'escudo/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { FACTS } from '../../error-facts.ts'

// Headers, messages and the fixed parts of a body are made once for each entry. Every answer must equal the one that
// would be made from nothing.

const MESSAGES = {
  ITEM: { es: "Item con ID '{id}' no encontrado: {n}.", en: "Item with ID '{id}' not found: {n}." },
  ONLY_ES: { es: 'Agotado: {id}{id}' },
  ONLY_EN: { en: 'Sold out {missing}' },
  PLAIN: '{id} "quoted" \\ and {constructor}',
} as const
const context = z.looseObject({})
const Errors = defineErrors({
  ITEM: { status: 404, message: MESSAGES.ITEM, context },
  ONLY_ES: { status: 409, message: MESSAGES.ONLY_ES, context },
  ONLY_EN: { status: 503, message: MESSAGES.ONLY_EN, context },
  PLAIN: { status: 429, message: MESSAGES.PLAIN, context },
} as never) as unknown as Record<keyof typeof MESSAGES, new (context: unknown, details: object) => Error>

type Locale = 'es' | 'en'

/** The error body of another escudo service. */
const REMOTE = {
  trace_id: 'b'.repeat(32),
  error_code: 'SOLD_OUT',
  message: 'Sold out.',
  status_code: 409,
  service_name: 'store',
  context: {},
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('"', '\\', '\ud800', '\u2028', '{id}', '$&', '$1', 'x'.repeat(2_000), '\u001b[31m'),
)
const contexts = fc.dictionary(
  fc.constantFrom('id', 'n', 'missing', '__proto__', 'toJSON', 'other'),
  fc.oneof(texts, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.bigInt(), fc.array(texts)),
)
const headers = fc.option(
  fc.oneof(
    fc.constantFrom(
      '*',
      '',
      'es',
      'en;q=0.5, es',
      'es-MX',
      'en;q=0',
      'application/problem+json',
      '*/*',
      'x'.repeat(2_000),
    ),
    fc.constantFrom(
      'application/json, application/problem+json;q=0.5',
      'application/problem+json, application/json;q=0.9',
    ),
    fc.string({ maxLength: 30 }),
  ),
  { nil: undefined },
)
const cases = fc.record({
  name: fc.constantFrom(...(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])),
  given: contexts,
  accept: headers,
  acceptLanguage: headers,
  locale: fc.constantFrom<Locale>('es', 'en'),
  retryAfterMs: fc.option(fc.double({ min: -10, max: 1e9, noNaN: true }), { nil: undefined }),
  traceId: fc.oneof(fc.constant('4bf92f3577b34da6a3ce929d0e0e4736'), texts),
  service: fc.oneof(fc.constant('shop'), fc.constant('the "shop"\n')),
})

/** The message as it is written by hand. */
function messageOf(template: string, given: Readonly<Record<string, unknown>>): string {
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return '?'
    return shortened(String(value), 1_024)
  })
  return shortened(text, 4_096)
}

function shortened(text: string, max: number): string {
  if (text.length <= max) return text
  return /[\ud800-\udbff]/.test(text.charAt(max - 1)) ? `${text.slice(0, max - 1)}…` : `${text.slice(0, max)}…`
}

function expectComplete(answer: ErrorAnswer, template: string, traceId: string, service: string): void {
  const { body } = answer
  expect(answer.text).toBe(JSON.stringify(body))
  expect(body.message).toBe(messageOf(template, body.context))
  expect(body).toMatchObject({
    trace_id: traceId,
    error_code: answer.code,
    status_code: answer.status,
    service_name: service,
  })
  const plain = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']
  const problem = ['type', 'title', 'status', 'detail', 'instance', ...plain]
  const isProblem = answer.headers['content-type'] === 'application/problem+json'
  expect(Object.keys(body)).toEqual(isProblem ? problem : plain)
}

describe('a precomputed answer', () => {
  test('equals one made from nothing, for any context, language, Accept header and service', () => {
    fc.assert(
      fc.property(cases, ({ name, given, accept, acceptLanguage, locale, retryAfterMs, traceId, service }) => {
        const make = () => createErrorContract({ service, errors: Errors as never, locale })
        const warm = make()
        // Another request, with other headers and another context, has used the entry before.
        warm.translate(new Errors[name]({ id: 'before' }, {}), { traceId: 'before', acceptLanguage: 'en' })
        warm.translate(new Errors[name]({ id: 'before' }, {}), { traceId: 'before', acceptLanguage: 'es' })
        const request = { traceId, accept, acceptLanguage }
        const error = new Errors[name](given, { retryAfterMs })
        const answer = warm.translate(error, request)
        expect(answer).toEqual(make().translate(error, request))

        const language = answer.headers['content-language'] as Locale
        const message = MESSAGES[name] as string | Partial<Record<Locale, string>>
        expectComplete(answer, typeof message === 'string' ? message : (message[language] as string), traceId, service)
        const { 'content-type': type, 'retry-after': retryAfter, ...others } = answer.headers
        expect(['application/json; charset=utf-8', 'application/problem+json']).toContain(type)
        expect(others).toEqual({
          'content-language': language,
          'cache-control': 'no-store',
          vary: 'Accept, Accept-Language',
        })
        const mayRetryAfter = answer.status === 503 || answer.status === 429
        expect(retryAfter === undefined).toBe(!mayRetryAfter || retryAfterMs === undefined)
      }),
      { numRuns: 500 },
    )
  })

  test('keeps the code of the error if several codes share a definition', () => {
    const { message } = WellKnown.UPSTREAM_TIMEOUT.definition
    const contract = createErrorContract({
      service: 'shop',
      errors: defineErrors({ SLOW: { code: 'UPSTREAM_TIMEOUT', status: 504, message } }),
    })
    const request = { traceId: 'a'.repeat(32) }
    for (const [error, code] of [
      [new WellKnown.UPSTREAM_TIMEOUT(), 'UPSTREAM_TIMEOUT'],
      [new WellKnown.UPSTREAM_ERROR(), 'UPSTREAM_ERROR'],
      [new WellKnown.UPSTREAM_TIMEOUT(), 'UPSTREAM_TIMEOUT'],
      ['a bug', 'INTERNAL_SERVER_ERROR'],
    ] as const) {
      const answer = contract.translate(error, request)
      expect([answer.code, JSON.parse(answer.text).error_code]).toEqual([code, code])
    }
  })

  test('keeps the code of a refusal and the wire code of the entry that a service has for it', () => {
    const Own = defineErrors({ CIRCUIT_OPEN: { code: 'STORE_CLOSED', status: 503, message: 'Closed.' } })
    const contract = createErrorContract({ service: 'shop', errors: Own })
    const refusal = Object.assign(new Error('open'), {
      [FACTS]: { code: 'CIRCUIT_OPEN', status: 503, kind: 'technical' },
    })
    for (const [error, code] of [
      [refusal, 'CIRCUIT_OPEN'],
      [new Own.CIRCUIT_OPEN(), 'STORE_CLOSED'],
      [refusal, 'CIRCUIT_OPEN'],
    ] as const) {
      const { text } = contract.translate(error, { traceId: 'a' })
      expect(JSON.parse(text)).toMatchObject({ error_code: code, message: 'Closed.' })
    }
  })

  test('has the status and headers of the foreign entry that a mapper returns', () => {
    const Foreign = defineErrors({ GONE: { status: 410, message: 'Gone.' } })
    const contract = createErrorContract({
      service: 'shop',
      errors: defineErrors({}),
      map: [() => new Foreign.GONE(undefined, { headers: { allow: 'GET' } })],
    })
    const { body, headers } = contract.translate(new Error('not ours'), { traceId: 'a' })
    expect([body, headers['allow']]).toMatchObject([{ status_code: 410, error_code: 'GONE' }, 'GET'])
  })

  test.each([
    [
      'of an AggregateError',
      () => new AggregateError([new Error('first'), new Error('second')]),
      [{ message: 'first' }, { message: 'second' }],
    ],
    [
      'in the body of a failed call',
      () => Object.assign(new Error('call'), { body: REMOTE }),
      [{ message: 'Sold out.', service: 'store' }],
    ],
  ])('logs causes without the property `cause`: %s', (_, make, causes) => {
    const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
    expect(contract.translate(make(), { traceId: 'a' }).log['error_causes']).toMatchObject(causes)
  })

  test('cannot be changed by one that received it', () => {
    const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
    const request = { traceId: 'a'.repeat(32) }
    const { headers } = contract.translate(new WellKnown.ROUTE_NOT_FOUND(), request)
    try {
      ;(headers as Record<string, string>)['set-cookie'] = 'a=b'
    } catch {
      // Frozen.
    }
    expect(contract.translate(new WellKnown.ROUTE_NOT_FOUND(), request).headers).not.toHaveProperty('set-cookie')
  })

  test('does not mix the services and languages of two contracts with one catalogue', () => {
    const shop = createErrorContract({ service: 'shop', errors: Errors as never, locale: 'es' })
    const mill = createErrorContract({ service: 'mill', errors: Errors as never, locale: 'en' })
    const bodies = [shop, mill, shop].map((contract) => {
      const { service_name, message } = contract.translate(new Errors.ITEM({ id: 1, n: 2 }, {}), { traceId: 'a' }).body
      return [service_name, message]
    })
    expect(bodies).toEqual([
      ['shop', "Item con ID '1' no encontrado: 2."],
      ['mill', "Item with ID '1' not found: 2."],
      ['shop', "Item con ID '1' no encontrado: 2."],
    ])
  })

  test('does not keep the headers of all clients', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const contract = createErrorContract({ service: 'shop', errors: Errors as never })
    const error = new Errors.ITEM({}, {})
    collect()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 20_000; index += 1) {
      const header = `en, ${'x'.repeat(900)}-${index}`
      // A flat text, as Node makes of a header.
      const flat = Buffer.from(header).toString('latin1')
      contract.translate(error, { traceId: 'a', accept: flat, acceptLanguage: flat })
    }
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
  })

  test('answers each of many headers correctly', () => {
    const contract = createErrorContract({ service: 'shop', errors: Errors as never, locale: 'es' })
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 1_000; index += 1) {
        const language = index % 2 === 0 ? 'en' : 'es'
        const acceptLanguage = `${language}, x-${index}`
        const { headers } = contract.translate(new Errors.ITEM({}, {}), { traceId: 'a', acceptLanguage })
        expect(headers['content-language']).toBe(language)
      }
    }
  })
})
