// Each schema library as the context of an error, and as the input of a route.
import { type } from 'arktype'
import { Hono } from 'hono'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import type { InputOf, StandardSchema } from '../../errors/standard-schema.ts'
import { escudo, route } from '../hono.ts'
import { type DocumentedRoute, errorPages, openapiDocument } from '../openapi.ts'
import { standard } from './typebox.ts'

interface Order {
  item: string
  amount: number
  tags: string[]
}

const zodOrder = z.object({ item: z.string(), amount: z.number(), tags: z.array(z.string()) })
const valibotOrder = v.object({ item: v.string(), amount: v.number(), tags: v.array(v.string()) })
const arktypeOrder = type({ item: 'string', amount: 'number', tags: 'string[]' })
const typeboxOrder = standard(
  Type.Object({ item: Type.String(), amount: Type.Number(), tags: Type.Array(Type.String()) }),
)

/** The schema of one library, and whether the library describes it as JSON Schema. */
const LIBRARIES: readonly (readonly [string, StandardSchema<Order>, boolean])[] = [
  ['zod', zodOrder, true],
  ['valibot', valibotOrder, false],
  ['arktype', arktypeOrder, true],
  ['typebox', typeboxOrder, true],
]

const order: Order = { item: 'potion', amount: 2, tags: ['blue'] }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

describe.each(LIBRARIES)('a schema of %s', (_, schema, hasJsonSchema) => {
  const Errors = defineErrors({ NO_STOCK: { status: 409, message: 'Only {amount} of {item}.', context: schema } })
  const contract = createErrorContract({ service: 'shop', errors: Errors })
  const sent = (context: unknown) => contract.translate(new Errors.NO_STOCK(context as Order), { traceId })

  it('as a context: its keys are sent and fill the message, and no other key is sent', () => {
    const { body, log } = sent({ ...order, secret: 'hunter2' })
    expect([body.context, body.message]).toEqual([order, 'Only 2 of potion.'])
    expect(log['context_problem']).toBeUndefined()
  })

  it('as a context that does not fit: code and status stay, the log has the reason', () => {
    const { status, code, body, log } = sent({ ...order, amount: 'many' })
    expect([status, code, body.context]).toEqual([409, 'NO_STOCK', {}])
    expect(log['context_problem']).toEqual(expect.stringContaining('the context fails its schema'))
  })

  it('as the input of a route: the output reaches the handler, findings have pointers and no values', async () => {
    const app = new Hono()
    escudo(app, { contract })
    app.post(
      '/orders',
      route({ body: schema }, (c, { body }) => c.json({ item: body.item, amount: body.amount }, 201)),
    )
    const ask = async (body: unknown) => {
      const headers = { 'content-type': 'application/json' }
      const response = await app.request('/orders', { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: response.status, json: (await response.json()) as Record<string, unknown> }
    }
    expect(await ask(order)).toEqual({ status: 201, json: { item: 'potion', amount: 2 } })
    const refused = await ask({ amount: 'hunter2', tags: [5] })
    expect([refused.status, refused.json['error_code']]).toEqual([422, 'VALIDATION_ERROR'])
    const { errors } = refused.json['context'] as { errors: { pointer: string; code: string }[] }
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/amount', '/item', '/tags/0'])
    expect(errors.find(({ pointer }) => pointer === '/item')?.code).toBe('required')
    expect(JSON.stringify(refused.json)).not.toContain('hunter2')
  })

  it('in documents: described if the library can, else open', () => {
    const routes: readonly DocumentedRoute[] = [
      { method: 'POST', url: '/orders', description: { body: schema, errors: ['NO_STOCK'] } },
    ]
    const document = openapiDocument({ contract, info: { title: 'Shop', version: '1' }, routes })
    const { requestBody, responses } = document.paths['/orders']?.['post'] ?? {}
    expect(Object.keys(responses as object)).toEqual(expect.arrayContaining(['409', '422']))
    const described = { properties: { item: { type: 'string' }, tags: { type: 'array' } } }
    const open = { content: { 'application/json': { schema: {} } } }
    const json = { content: { 'application/json': { schema: described } } }
    expect(requestBody).toMatchObject(hasJsonSchema ? json : open)
    const page = errorPages({ contract, library: false }).find(({ name }) => name === 'NO_STOCK.md')
    expect(page?.text.includes('"item": {')).toBe(hasJsonSchema)
  })
})

it('the context of each library has the types of its schema', () => {
  const Errors = defineErrors({
    ZOD: { status: 409, message: '{item}', context: zodOrder },
    VALIBOT: { status: 409, message: '{item}', context: valibotOrder },
    ARKTYPE: { status: 409, message: '{item}', context: arktypeOrder },
    TYPEBOX: { status: 409, message: '{item}', context: typeboxOrder },
  })
  expectTypeOf<InputOf<typeof typeboxOrder>>().toEqualTypeOf<Order>()
  for (const code of ['ZOD', 'VALIBOT', 'ARKTYPE', 'TYPEBOX'] as const) {
    const error = new Errors[code](order)
    expectTypeOf(error.context).toEqualTypeOf<Order>()
    // @ts-expect-error a key is missing
    expect(new Errors[code]({ item: 'potion', amount: 2 }).code).toBe(code)
  }
  // @ts-expect-error the schema of TypeBox has no 'price'
  defineErrors({ PRICE: { status: 409, message: '{price}', context: typeboxOrder } })
})
