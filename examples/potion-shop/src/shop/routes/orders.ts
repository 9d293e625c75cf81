import { randomUUID } from 'node:crypto'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Stock } from '../stock.ts'

const NewOrder = z.object({ item_id: z.string().meta({ examples: ['SuperPocion'] }), cantidad: z.int().min(1) })
const Order = NewOrder.extend({ id: z.uuid() })
const documented = { tags: ['4.1'], summary: 'Order an item', response: { 201: Order } } as const

/** 4.1: a business rule whose error carries all facts in its context. */
export function orderRoutes() {
  const stock = new Stock()

  return async (app: FastifyInstance): Promise<void> => {
    app.post(
      '/orders',
      route(
        { ...documented, body: NewOrder, errors: ['STOCK_INSUFICIENTE', 'ITEM_NOT_FOUND'] },
        async ({ body }, reply) => {
          const { item_id, cantidad } = body
          stock.take(item_id, cantidad)
          reply.code(201)
          return { id: randomUUID(), item_id, cantidad }
        },
      ),
    )
  }
}
