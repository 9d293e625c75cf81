import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { remoteError } from '../../body/remote-error.ts'
import { defineErrors } from '../../catalogue/catalogue.ts'
import { WellKnown } from '../../catalogue/well-known.ts'
import { FACTS } from '../../error-facts.ts'
import { createErrorContract } from '../contract.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const Errors = defineErrors({
  STOCK_INSUFICIENTE: {
    status: 409,
    message: {
      es: "No hay suficiente '{item_id}'. Pediste: {solicitado}, Quedan: {disponible}.",
      en: "Not enough '{item_id}'. You asked for {solicitado}, {disponible} are left.",
    },
    context: z.object({ item_id: z.string(), solicitado: z.number(), disponible: z.number() }),
  },
  AUTENTICACION_FALLIDA: { status: 401, message: { es: 'Falta el token.' } },
  PAYMENTS_DOWN: { status: 503, message: { en: 'Payments unavailable' } },
  LOOSE: { status: 400, message: 'Loose.', context: z.looseObject({ id: z.string() }) },
  ANYTHING: { status: 400, message: 'Anything {a}.', context: z.object({ a: z.any(), b: z.any().optional() }) },
})
const contract = createErrorContract({ service: 'potion-shop', errors: Errors, locale: 'es' })
const stock = { item_id: 'SuperPocion', solicitado: 10, disponible: 2 }

describe('golden bodies', () => {
  test('a business error: six keys in order, headers, level and log fields', () => {
    const answer = contract.translate(new Errors.STOCK_INSUFICIENTE(stock), { traceId })
    expect(answer.text).toBe(
      `{"trace_id":"${traceId}","error_code":"STOCK_INSUFICIENTE","message":"No hay suficiente 'SuperPocion'. Pediste: 10, Quedan: 2.","status_code":409,"service_name":"potion-shop","context":{"item_id":"SuperPocion","solicitado":10,"disponible":2}}`,
    )
    expect(answer.headers).toEqual({
      'content-type': 'application/json; charset=utf-8',
      'content-language': 'es',
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Language',
    })
    expect(answer).toMatchObject({
      status: 409,
      code: 'STOCK_INSUFICIENTE',
      kind: 'business',
      retry: 'never',
      level: 'info',
    })
    expect(answer.log).toEqual({
      status_code: 409,
      detail: "No hay suficiente 'SuperPocion'. Pediste: 10, Quedan: 2.",
      error_code: 'STOCK_INSUFICIENTE',
      error_kind: 'business',
      context: stock,
    })
  })

  test('a bug: a constant message in the body, the details in the log', () => {
    const bug = new TypeError('SELECT * FROM users WHERE password=hunter2', {
      cause: new Error('ECONNREFUSED /var/run/db'),
    })
    const answer = contract.translate(bug, { traceId })
    expect(answer.text).toBe(
      `{"trace_id":"${traceId}","error_code":"INTERNAL_SERVER_ERROR","message":"Ocurrió un error inesperado en el servidor.","status_code":500,"service_name":"potion-shop","context":{}}`,
    )
    expect(answer.level).toBe('error')
    expect(answer.log).toMatchObject({
      error_type: 'TypeError',
      error_message: 'SELECT * FROM users WHERE password=hunter2',
      error_causes: [{ type: 'Error', message: 'ECONNREFUSED /var/run/db' }],
    })
    expect(String(answer.log['error_stack'])).toContain('contract.test.ts')
  })

  test('RFC 9457 with the six keys as extensions, if Accept prefers it', () => {
    const documented = createErrorContract({ service: 's', errors: Errors, docsUrl: 'https://docs.example/errors' })
    const answer = documented.translate(new Errors.STOCK_INSUFICIENTE(stock), {
      traceId,
      accept: 'application/problem+json',
    })
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(answer.text)).toEqual({
      type: 'https://docs.example/errors#STOCK_INSUFICIENTE',
      title: 'Stock insuficiente',
      status: 409,
      detail: "Not enough 'SuperPocion'. You asked for 10, 2 are left.",
      instance: `urn:trace:${traceId}`,
      trace_id: traceId,
      error_code: 'STOCK_INSUFICIENTE',
      message: "Not enough 'SuperPocion'. You asked for 10, 2 are left.",
      status_code: 409,
      service_name: 's',
      context: stock,
    })
    const bare = contract.translate(new Error(), { traceId, accept: 'application/problem+json' })
    expect(bare.body).toMatchObject({ type: 'about:blank', title: 'Internal Server Error' })
  })
})

describe('errors of policies and dependencies', () => {
  const refusal = (code: string, status: number, retryAfterMs?: number): Error =>
    Object.defineProperty(Object.assign(new Error('internal text'), { retryAfterMs }), FACTS, {
      value: { code, status, kind: 'technical', refusal: true },
    })
  test.each([
    [
      'an open circuit',
      refusal('CIRCUIT_OPEN', 503, 9_001),
      503,
      'CIRCUIT_OPEN',
      'Servicio no disponible (Circuito Abierto).',
      '10',
    ],
    ['a full bulkhead', refusal('BULKHEAD_FULL', 503), 503, 'BULKHEAD_FULL', undefined, undefined],
    ['a rate limit', refusal('RATE_LIMITED', 429, 1), 429, 'RATE_LIMITED', undefined, '1'],
    ['a timeout', refusal('TIMEOUT', 504), 504, 'UPSTREAM_TIMEOUT', undefined, undefined],
    ['a deadline', refusal('DEADLINE_EXCEEDED', 503), 503, 'DEADLINE_EXCEEDED', undefined, undefined],
    ['a failed dependency', refusal('UPSTREAM_ERROR', 502), 502, 'UPSTREAM_ERROR', undefined, undefined],
    [
      'an unavailable dependency',
      refusal('UPSTREAM_UNAVAILABLE', 503, 3_000),
      503,
      'UPSTREAM_UNAVAILABLE',
      undefined,
      '3',
    ],
  ])('gives the status and code of %s', (_, error, status, code, message, retryAfter) => {
    const answer = contract.translate(error, { traceId })
    expect(answer).toMatchObject({ status, code })
    if (message !== undefined) expect(answer.body.message).toBe(message)
    expect(answer.headers['retry-after']).toBe(retryAfter)
    expect(answer.text).not.toContain('internal text')
  })

  test('uses the service’s own entry for a well-known code', () => {
    const own = defineErrors({ CIRCUIT_OPEN: { status: 502, message: 'Our words.' } })
    const answer = createErrorContract({ service: 's', errors: own }).translate(refusal('CIRCUIT_OPEN', 503), {
      traceId,
    })
    expect(answer).toMatchObject({ status: 502, body: { message: 'Our words.', status_code: 502 } })
  })

  test.each([
    ['ECONNREFUSED', 'UPSTREAM_ERROR', 502],
    ['UND_ERR_HEADERS_TIMEOUT', 'UPSTREAM_TIMEOUT', 504],
  ])('reports a fetch that failed with %s as %s', (causeCode, code, status) => {
    const error = new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: causeCode }) })
    expect(contract.translate(error, { traceId })).toMatchObject({ code, status })
  })

  test.each([
    [-1, '1'],
    [0, '1'],
    [1_001, '2'],
    [1e12, '86400'],
    [Number.POSITIVE_INFINITY, undefined],
    [Number.NaN, undefined],
    ['5', undefined],
  ])('turns a retryAfterMs of %s into Retry-After %s', (retryAfterMs, expected) => {
    const error = new Errors.PAYMENTS_DOWN(undefined, { retryAfterMs: retryAfterMs as number })
    expect(contract.translate(error, { traceId }).headers['retry-after']).toBe(expected)
  })

  test('sends Retry-After only with 503 and 429', () => {
    const error = new Errors.AUTENTICACION_FALLIDA(undefined, { retryAfterMs: 5_000 })
    expect(contract.translate(error, { traceId }).headers['retry-after']).toBeUndefined()
  })
})

describe('languages', () => {
  test('uses the client’s language if the message has it, and sets Content-Language', () => {
    const english = contract.translate(new Errors.STOCK_INSUFICIENTE(stock), { traceId, acceptLanguage: 'en' })
    expect(english.body.message).toContain('Not enough')
    expect(english.headers['content-language']).toBe('en')
    expect(english.log['detail']).toContain('No hay suficiente')
    const missing = contract.translate(new Errors.PAYMENTS_DOWN(), { traceId, acceptLanguage: 'es' })
    expect(missing.body.message).toBe('Payments unavailable')
    expect(missing.headers['content-language']).toBe('en')
  })

  test('every well-known error has a Spanish and an English message', () => {
    for (const { definition } of Object.values(WellKnown)) {
      expect(definition.message).toEqual({ es: expect.any(String), en: expect.any(String) })
    }
  })
})

describe('levels', () => {
  test.each([
    [new Errors.STOCK_INSUFICIENTE(stock), 'info'],
    [new Errors.AUTENTICACION_FALLIDA(), 'warning'],
    [new WellKnown.RATE_LIMITED(), 'warning'],
    [new WellKnown.ROUTE_NOT_FOUND(), 'info'],
    [new Errors.PAYMENTS_DOWN(), 'error'],
    [new WellKnown.SHUTTING_DOWN(), 'warning'],
    [new Error(), 'error'],
  ])('logs %s at %s', (error, level) => {
    expect(contract.translate(error, { traceId }).level).toBe(level)
  })

  test('logs a business error without a stack, but with its cause', () => {
    const { log } = contract.translate(new Errors.STOCK_INSUFICIENTE(stock, { cause: new RangeError('few') }), {
      traceId,
    })
    expect(log).not.toHaveProperty('error_stack')
    expect(log['error_cause']).toBe('RangeError: few')
  })

  test('logs each cause of a circular chain once, and at most 5 causes', () => {
    const first = new Error('first')
    const second = new Error('second', { cause: first })
    Object.assign(first, { cause: second })
    expect(contract.translate(first, { traceId }).log['error_causes']).toHaveLength(1)
    const deep = Array.from({ length: 50 }).reduce<Error>(
      (cause, _, index) => new Error(`${index}`, { cause }),
      new Error('end'),
    )
    expect(contract.translate(deep, { traceId }).log['error_causes']).toHaveLength(5)
  })

  test('keeps the status of an error whose cause has getters that throw', () => {
    const cause = Object.defineProperty(new Error('down'), 'body', {
      get: () =>
        Object.defineProperty({}, 'trace_id', {
          get: () => {
            throw new Error('hostile')
          },
        }),
    })
    const answer = contract.translate(new Errors.PAYMENTS_DOWN(undefined, { cause }), { traceId })
    expect([answer.status, answer.log['error_causes']]).toMatchObject([503, [{ message: 'down' }]])
  })

  test('logs the error of another escudo service but never sends it', () => {
    const body = {
      trace_id: traceId,
      error_code: 'ITEM_NOT_FOUND',
      message: 'theirs',
      status_code: 404,
      service_name: 'inventory',
      context: {},
    }
    const answer = contract.translate(new Errors.PAYMENTS_DOWN(undefined, { cause: remoteError(body) }), { traceId })
    expect(answer.log['error_causes']).toMatchObject([
      { type: 'RemoteError', code: 'ITEM_NOT_FOUND', service: 'inventory', status: 404, trace_id: traceId },
    ])
    const upstream = new Errors.PAYMENTS_DOWN(undefined, { cause: Object.assign(new Error('502'), { body }) })
    expect(contract.translate(upstream, { traceId }).log['error_causes']).toMatchObject([
      { message: '502' },
      { type: 'RemoteError', service: 'inventory' },
    ])
    expect(answer.text).not.toContain('theirs')
  })
})

test('createErrorContract rejects invalid options', () => {
  expect(() => createErrorContract({ service: '', errors: Errors })).toThrow(TypeError)
  expect(() => createErrorContract({ service: 's', errors: undefined as never })).toThrow(TypeError)
  expect(() => createErrorContract({ service: 's', errors: Errors, locale: 5 as never })).toThrow(TypeError)
  expect(() => createErrorContract({ service: 's', errors: Errors, map: [5 as never] })).toThrow(TypeError)
})

test('lastResort returns a complete response', () => {
  const { text, status, headers } = contract.lastResort(traceId)
  expect(status).toBe(500)
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
  expect(JSON.parse(text)).toMatchObject({ trace_id: traceId, error_code: 'INTERNAL_SERVER_ERROR', context: {} })
})
