// What a store returns is not always what was stored: another version, another program, a value that was cut off.
import fc from 'fast-check'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { contractOptions, escudo, idempotency } from '../../fastify.ts'
import { recordIn } from '../record.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })

/** A service with one answer under each key: that of a store. */
async function servedWith(answer: unknown): Promise<readonly unknown[]> {
  let fingerprint = ''
  let runs = 0
  const store = {
    get: () => (fingerprint === '' ? undefined : { fingerprint, answer }),
    set: (_key: string, value: unknown) => {
      fingerprint = (value as { readonly fingerprint: string }).fingerprint
    },
    delete: () => {},
    lock: () => () => {},
  }
  const app = Fastify(contractOptions(contract))
  await app.register(escudo, { contract })
  await app.register(idempotency({ scope: () => 'ana', store }))
  app.post('/orders', async () => {
    runs += 1
    return { order: runs }
  })
  // Another key: under the same one, this instance knows its own answer.
  await app.inject({ method: 'POST', url: '/orders', headers: { 'idempotency-key': 'a1' } })
  const second = await app.inject({ method: 'POST', url: '/orders', headers: { 'idempotency-key': 'a2' } })
  return [second.statusCode, second.json().error_code, runs]
}

const GOOD = { status: 201, headers: [['x-a', '1']], body: 'bWFkZQ==' }

describe('a record with a damaged answer says that the request was served', () => {
  it.each([
    5,
    null,
    '',
    [],
    {},
    { ...GOOD, status: undefined },
    { ...GOOD, status: '201' },
    { ...GOOD, status: 99 },
    { ...GOOD, status: 1_000 },
    { ...GOOD, status: 200.5 },
    { ...GOOD, headers: {} },
    { ...GOOD, headers: [null] },
    { ...GOOD, headers: [['x-a']] },
    { ...GOOD, headers: [['x a', '1']] },
    { ...GOOD, headers: [['x-a', '1\r\nset-cookie: b']] },
    { ...GOOD, headers: [['x-a', 5]] },
    { ...GOOD, headers: [['x-a', ['1', null]]] },
    { ...GOOD, body: 5 },
    { ...GOOD, body: '***' },
    { ...GOOD, body: 'bWFkZ' },
  ])('%j', (answer) => {
    expect(recordIn({ fingerprint: 'f', answer })).toEqual({ fingerprint: 'f', isLost: true })
  })

  it('property: any JSON is a whole answer, or lost', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (status, headers, body) => {
        const record = recordIn({ fingerprint: 'f', answer: { status, headers, body } })
        expect(record?.isLost === true || typeof record?.answer?.status === 'number').toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('which the client gets as 409, without a second run', async () => {
    expect(await servedWith({ ...GOOD, body: 5 })).toEqual([409, 'IDEMPOTENCY_ANSWER_NOT_KEPT', 1])
  })

  it.each([GOOD, { ...GOOD, headers: [['x-a', ['1', '2']]] }, { status: 204, headers: [], body: '' }])(
    'unless it is whole: %j',
    (answer) => expect(recordIn({ fingerprint: 'f', answer })).toEqual({ fingerprint: 'f', answer }),
  )
})
