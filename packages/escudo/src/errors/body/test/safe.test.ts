import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../catalogue/catalogue.ts'
import { createErrorContract } from '../../contract/contract.ts'
import { parseErrorBody } from '../body.ts'
import { RemoteError, remoteError } from '../remote-error.ts'
import { safe, UnexpectedAnswer } from '../safe.ts'

const Errors = defineErrors({
  ITEM_NOT_FOUND: { status: 404, message: 'No {id}.', context: z.object({ id: z.string() }) },
  FIRST_FAILED: { status: 502, code: 'UPSTREAM_ERROR', message: 'First.', context: z.object({ first: z.number() }) },
  SECOND_FAILED: { status: 502, code: 'UPSTREAM_ERROR', message: 'Second.', context: z.object({ second: z.number() }) },
})
const contract = createErrorContract({ service: 'shop', errors: Errors })
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

function responseTo(error: unknown): Response {
  const { text, status, headers } = contract.translate(error, { traceId })
  return new Response(text, { status, headers: { ...headers } })
}

describe('safe', () => {
  test('returns the data of a successful response', async () => {
    expect(await safe(Promise.resolve(Response.json({ id: 'item1' })), Errors)).toEqual({
      ok: true,
      data: { id: 'item1' },
    })
    expect(await safe(new Response(null, { status: 204 }), Errors)).toEqual({ ok: true, data: undefined })
  })

  test('returns the typed error that the service sent', async () => {
    const answer = await safe(responseTo(new Errors.ITEM_NOT_FOUND({ id: 'x' })), Errors)
    if (answer.ok) throw new Error('expected an error')
    expect(Errors.ITEM_NOT_FOUND.is(answer.error)).toBe(true)
    if (answer.error.code === 'ITEM_NOT_FOUND') {
      expectTypeOf(answer.error.context).toEqualTypeOf<{ id: string }>()
      expect(answer.error.context).toEqual({ id: 'x' })
      expect(answer.error.message).toBe('No x.')
    }
  })

  test('picks the entry whose context fits if several share a wire code', async () => {
    const answer = await safe(responseTo(new Errors.SECOND_FAILED({ second: 2 })), Errors)
    if (answer.ok) throw new Error('expected an error')
    expect(Errors.SECOND_FAILED.is(answer.error)).toBe(true)
  })

  test.each([
    ['a network failure', new TypeError('fetch failed')],
    ['a broken body', new Response('{"trace_id":', { status: 500 })],
    ['an HTML page of a proxy', new Response('<html>', { status: 502 })],
    ['a successful response that is not JSON', new Response('<html>', { status: 200 })],
    [
      'an unknown code',
      Response.json(
        { trace_id: traceId, error_code: 'NEW_CODE', message: 'm', status_code: 404, service_name: 's', context: {} },
        { status: 404 },
      ),
    ],
    [
      'a known code with a context that does not fit',
      Response.json(
        {
          trace_id: traceId,
          error_code: 'ITEM_NOT_FOUND',
          message: 'm',
          status_code: 404,
          service_name: 's',
          context: { id: 5 },
        },
        { status: 404 },
      ),
    ],
    ['JSON of a service without escudo', Response.json({ error: 'Not Found' }, { status: 404 })],
  ])('resolves with UnexpectedAnswer on %s', async (_, response) => {
    const answer = await safe(response instanceof Error ? Promise.reject(response) : response, Errors)
    if (answer.ok) throw new Error('expected an error')
    expect(answer.error).toBeInstanceOf(UnexpectedAnswer)
    expect(answer.error.code).toBe('UNEXPECTED_ANSWER')
  })
})

describe('remoteError', () => {
  const body = {
    trace_id: traceId,
    error_code: 'ITEM_NOT_FOUND',
    message: 'm',
    status_code: 404,
    service_name: 's',
    context: {},
  }
  test('turns the error body of another service into a typed cause', () => {
    const cause = remoteError({ ...body, extra: 1 })
    expect(cause).toBeInstanceOf(RemoteError)
    expect(cause).toMatchObject({ code: 'ITEM_NOT_FOUND', status: 404, service: 's', traceId })
  })

  test.each([
    ['null', null],
    ['a string', 'text'],
    ['an array', []],
    ['an empty object', {}],
    ['a status below 400', { ...body, status_code: 200 }],
    ['a status that is not a number', { ...body, status_code: '404' }],
    ['a context that is an array', { ...body, context: [] }],
    ['a context that is null', { ...body, context: null }],
    ['a message that is not a string', { ...body, message: 5 }],
    ['a code of 1,000 characters', { ...body, error_code: 'X'.repeat(1_000) }],
  ])('returns undefined for %s', (_, value) => {
    expect(parseErrorBody(value)).toBeUndefined()
    expect(remoteError(value)).toBeUndefined()
  })
})
