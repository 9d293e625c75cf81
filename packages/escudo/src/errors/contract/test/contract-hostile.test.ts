import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { remoteError } from '../../body/remote-error.ts'
import { defineErrors } from '../../catalogue/catalogue.ts'
import { FACTS } from '../../error-facts.ts'
import type { StandardSchema } from '../../standard-schema.ts'
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

describe('the trust boundary', () => {
  const internal = { status: 500, code: 'INTERNAL_SERVER_ERROR' }
  test.each([
    ['an HTTP client’s error with status 401', Object.assign(new Error('no'), { status: 401, statusCode: 401 })],
    ['an error with headers', Object.assign(new Error('no'), { headers: { 'set-cookie': 'a=b' }, statusCode: 404 })],
    [
      'an unchanged 401 of another service',
      remoteError({
        trace_id: traceId,
        error_code: 'AUTENTICACION_FALLIDA',
        message: 'x',
        status_code: 401,
        service_name: 'other',
        context: {},
      }),
    ],
    [
      'an http-error with expose: false',
      Object.assign(new Error('no'), { status: 404, statusCode: 404, expose: false }),
    ],
    ['an http-error with status 200', Object.assign(new Error('no'), { status: 200, statusCode: 200, expose: true })],
    [
      'an http-error whose status is a string',
      Object.assign(new Error('no'), { status: '404', statusCode: '404', expose: true }),
    ],
    [
      'our brand with status 200',
      Object.defineProperty(new Error('no'), FACTS, { value: { code: 'X', status: 200, kind: 'business' } }),
    ],
    [
      'our brand with status 99',
      Object.defineProperty(new Error('no'), FACTS, { value: { code: 'X', status: 99, kind: 'business' } }),
    ],
    ['a string', 'a text'],
    ['null', null],
    ['undefined', undefined],
    ['a promise', Promise.resolve(1)],
    ['a symbol', Symbol('s')],
    ['a frozen error', Object.freeze(new Error('frozen'))],
    ['an AggregateError', new AggregateError([new Error('a'), new Error('b')], 'both')],
    ['a proxy whose traps throw', new Proxy(new Error(), { get: refuse, getPrototypeOf: refuse, has: refuse })],
  ])('treats %s as a bug', (_, thrown) => {
    const answer = contract.translate(thrown, { traceId })
    expect(answer).toMatchObject(internal)
    expect(JSON.parse(answer.text)).toMatchObject({ trace_id: traceId, context: {} })
  })

  test.each(['stat', 'open', 'connect'])(
    'the path in the message of an exposed error of %s stays inside',
    (syscall) => {
      const message = `ENOENT: no such file or directory, ${syscall} '/srv/secret'`
      const facts = { code: 'ENOENT', syscall, status: 404, statusCode: 404, expose: true }
      const { status, body } = contract.translate(Object.assign(new Error(message), facts), { traceId })
      expect([status, body.message]).toEqual([404, 'Not Found'])
    },
  )

  test('keeps the status and message of an http-error with expose: true', () => {
    const error = Object.assign(new Error('No such {page}'), { status: 404, statusCode: 404, expose: true })
    expect(contract.translate(error, { traceId })).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      body: { message: 'No such page' },
    })
  })

  test('uses the first mapper that returns an escudo error, and skips one that throws', () => {
    const mapping = createErrorContract({
      service: 's',
      errors: Errors,
      map: [
        () => {
          throw new Error('mapper')
        },
        () => ({ status: 418 }),
        (error) => (error instanceof RangeError ? new Errors.PAYMENTS_DOWN(undefined, { cause: error }) : undefined),
      ],
    })
    expect(mapping.translate(new RangeError(), { traceId })).toMatchObject({ status: 503, code: 'PAYMENTS_DOWN' })
    expect(mapping.translate(new Error(), { traceId })).toMatchObject(internal)
    expect(mapping.translate(new Errors.STOCK_INSUFICIENTE(stock), { traceId }).status).toBe(409)
  })
})

describe('a context', () => {
  test('sends only declared keys to the client; internal goes to the log', () => {
    const context = { ...stock, secret: 'hunter2' }
    const answer = contract.translate(new Errors.STOCK_INSUFICIENTE(context, { internal: { row: 7n } }), { traceId })
    expect(answer.body.context).toEqual(stock)
    expect(answer.text).not.toContain('hunter2')
    expect(answer.log['internal']).toEqual({ row: '7' })
  })

  test('is stripped of undeclared keys even if the schema library keeps them', () => {
    const lax: StandardSchema<{ id: string }> = {
      '~standard': {
        version: 1,
        vendor: 'lax',
        validate: (value) => ({ value: value as { id: string } }),
        jsonSchema: { output: () => ({ type: 'object', properties: { id: { type: 'string' } } }) },
      },
    }
    const LaxErrors = defineErrors({ LAX: { status: 400, message: 'Lax {id}.', context: lax } })
    const lenient = createErrorContract({ service: 's', errors: LaxErrors })
    const answer = lenient.translate(new LaxErrors.LAX({ id: 'a', secret: 'hunter2' } as { id: string }), { traceId })
    expect(answer.body.context).toEqual({ id: 'a' })
  })

  test('is stripped of undeclared keys in nested objects and arrays too', () => {
    const properties = {
      list: { items: { properties: { id: {} } } },
      deep: { properties: { id: {} }, additionalProperties: false },
    }
    const lax: StandardSchema<object> = {
      '~standard': {
        version: 1,
        vendor: 'lax',
        validate: (value) => ({ value: value as object }),
        jsonSchema: { output: () => ({ properties }) },
      },
    }
    const LaxErrors = defineErrors({ LAX: { status: 400, message: 'Lax.', context: lax } })
    const context = { list: [{ id: 1, secret: 1 }], deep: { id: 2, secret: 2 } }
    const answer = createErrorContract({ service: 's', errors: LaxErrors }).translate(new LaxErrors.LAX(context), {
      traceId,
    })
    expect(answer.body.context).toEqual({ list: [{ id: 1 }], deep: { id: 2 } })
  })

  test('keeps additional properties if its schema allows them', () => {
    expect(contract.translate(new Errors.LOOSE({ id: 'a', more: 1 }), { traceId }).body.context).toEqual({
      id: 'a',
      more: 1,
    })
  })

  test('is sent as {} and logged if it fails its schema; code and status stay', () => {
    const answer = contract.translate(new Errors.STOCK_INSUFICIENTE({ item_id: 5 } as never), { traceId })
    expect(answer).toMatchObject({ status: 409, code: 'STOCK_INSUFICIENTE', body: { context: {} } })
    expect(answer.log['context_problem']).toContain('fails its schema')
  })

  test('does not change code and status if its schema throws or is asynchronous', () => {
    const thenable = (): never => ({ then: (resolve: (value: object) => void) => resolve({ value: {} }) }) as never
    for (const validate of [refuse, async () => ({ value: {} }), async () => refuse(), thenable]) {
      const schema: StandardSchema<object> = { '~standard': { version: 1, vendor: 'x', validate } }
      const Odd = defineErrors({ ODD: { status: 404, message: 'Odd.', context: schema } })
      const answer = createErrorContract({ service: 's', errors: Odd }).translate(new Odd.ODD({}), { traceId })
      expect(answer).toMatchObject({ status: 404, body: { context: {} } })
      expect(answer.log['context_problem']).toBeTypeOf('string')
    }
  })

  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  test.each([
    ['a circular reference', circular],
    ['a bigint', 5n],
    ['a proxy whose traps throw', new Proxy({}, { get: refuse, ownKeys: refuse })],
    ['NaN', Number.NaN],
    ['a megabyte of text', 'x'.repeat(1_048_576)],
    ['terminal codes and newlines', '\u001b[31mred\r\n\u0000'],
    ['a lone surrogate', '\ud800'],
    ['a function', () => 1],
  ])('with %s gives a well-formed body', (_, value) => {
    const answer = contract.translate(new Errors.ANYTHING({ a: value, b: 1 }), { traceId })
    const body = JSON.parse(answer.text)
    expect(Object.keys(body)).toEqual(['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context'])
    expect(body).toMatchObject({ status_code: 400, error_code: 'ANYTHING' })
    expect(answer.text.length).toBeLessThan(100_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test checks that there are none
    expect(answer.text).not.toMatch(/[\u0000-\u001f]/)
    expect(() => JSON.stringify(answer.log)).not.toThrow()
  })
})

function refuse(): never {
  throw new Error('trap')
}

test('headers that throw when they are read change neither status nor code', () => {
  for (const headers of [new Proxy({}, { ownKeys: refuse }), new Proxy({}, { getPrototypeOf: refuse })]) {
    const error = new Errors.AUTENTICACION_FALLIDA(undefined, { headers })
    expect(contract.translate(error, { traceId })).toMatchObject({ status: 401, code: 'AUTENTICACION_FALLIDA' })
  }
})
