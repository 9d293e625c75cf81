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
      'another service’s 401, thrown as it is',
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
      'an http-error that says nothing of expose',
      Object.assign(new Error('no'), { status: 404, statusCode: 404, expose: false }),
    ],
    ['expose with status 200', Object.assign(new Error('no'), { status: 200, statusCode: 200, expose: true })],
    ['expose with status "404"', Object.assign(new Error('no'), { status: '404', statusCode: '404', expose: true })],
    [
      'our brand with status 200',
      Object.defineProperty(new Error('no'), FACTS, { value: { code: 'X', status: 200, kind: 'business' } }),
    ],
    [
      'our brand with status 99',
      Object.defineProperty(new Error('no'), FACTS, { value: { code: 'X', status: 99, kind: 'business' } }),
    ],
    ['a text', 'a text'],
    ['null', null],
    ['undefined', undefined],
    ['a promise', Promise.resolve(1)],
    ['a symbol', Symbol('s')],
    ['a frozen error', Object.freeze(new Error('frozen'))],
    ['an AggregateError', new AggregateError([new Error('a'), new Error('b')], 'both')],
    ['an error that cannot be asked', new Proxy(new Error(), { get: refuse, getPrototypeOf: refuse, has: refuse })],
  ])('%s is our bug', (_, thrown) => {
    const answer = contract.translate(thrown, { traceId })
    expect(answer).toMatchObject(internal)
    expect(JSON.parse(answer.text)).toMatchObject({ trace_id: traceId, context: {} })
  })

  test('an http-error that says expose keeps its status and message', () => {
    const error = Object.assign(new Error('No such {page}'), { status: 404, statusCode: 404, expose: true })
    expect(contract.translate(error, { traceId })).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      body: { message: 'No such page' },
    })
  })

  test('a mapper turns a foreign error into ours; one that throws, or answers nonsense, knows nothing', () => {
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

describe('contexts', () => {
  test('only declared keys reach the wire; the internal bag goes to the log', () => {
    const context = { ...stock, secret: 'hunter2' }
    const answer = contract.translate(new Errors.STOCK_INSUFICIENTE(context, { internal: { row: 7n } }), { traceId })
    expect(answer.body.context).toEqual(stock)
    expect(answer.text).not.toContain('hunter2')
    expect(answer.log['internal']).toEqual({ row: '7' })
  })

  test('a schema library that lets undeclared keys through is corrected by its own JSON Schema', () => {
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

  test('and so within nested objects and lists', () => {
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

  test('a schema that declares that anything may follow is taken at its word', () => {
    expect(contract.translate(new Errors.LOOSE({ id: 'a', more: 1 }), { traceId }).body.context).toEqual({
      id: 'a',
      more: 1,
    })
  })

  test('a context that fails its schema keeps code and status, sends {} and is logged', () => {
    const answer = contract.translate(new Errors.STOCK_INSUFICIENTE({ item_id: 5 } as never), { traceId })
    expect(answer).toMatchObject({ status: 409, code: 'STOCK_INSUFICIENTE', body: { context: {} } })
    expect(answer.log['context_problem']).toContain('fails its schema')
  })

  test('a schema that throws, or wants to be waited for, keeps code and status too', () => {
    for (const validate of [refuse, async () => ({ value: {} }), async () => refuse()]) {
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
    ['a circle', circular],
    ['a bigint', 5n],
    ['a proxy', new Proxy({}, { get: refuse, ownKeys: refuse })],
    ['NaN', Number.NaN],
    ['a megabyte', 'x'.repeat(1_048_576)],
    ['terminal codes and newlines', '\u001b[31mred\r\n\u0000'],
    ['a lone surrogate', '\ud800'],
    ['a function', () => 1],
  ])('%s in a context leaves a well-formed body', (_, value) => {
    const answer = contract.translate(new Errors.ANYTHING({ a: value, b: 1 }), { traceId })
    const body = JSON.parse(answer.text)
    expect(Object.keys(body)).toEqual(['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context'])
    expect(body).toMatchObject({ status_code: 400, error_code: 'ANYTHING' })
    expect(answer.text.length).toBeLessThan(100_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(answer.text).not.toMatch(/[\u0000-\u001f]/)
    expect(() => JSON.stringify(answer.log)).not.toThrow()
  })
})

function refuse(): never {
  throw new Error('trap')
}
