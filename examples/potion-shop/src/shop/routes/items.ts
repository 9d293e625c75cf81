import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const LIMIT_MAX = 100

// A Map and not an object: an id may well be `__proto__`.
const items = new Map([
  ['item1', { id: 'item1', nombre: 'Poción de Salud' }],
  ['item2', { id: 'item2', nombre: 'Espada de Luz' }],
  ['SuperPocion', { id: 'SuperPocion', nombre: 'Super Poción' }],
])

const ItemPath = z.object({ id: z.string().meta({ examples: ['item1'] }) })

// What is no limit at all is 422; how many are too many is a rule of the shop, and has its own error. Digits and nothing
// else: a number made of any text would take '', '1e3' and '0x10' too. With more of them it could not be told exactly.
const ItemsQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(1))
    .default(LIMIT_MAX),
})

const Item = z.object({ id: z.string(), nombre: z.string() })
const list = { tags: ['4.2'], summary: 'The items of the shop', response: z.array(Item) } as const
const one = { tags: ['4.2'], summary: 'One item', response: Item } as const

/** 4.1 and 4.2: a list with a limit, a resource, and the error for one that is not there. */
export async function itemRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/items',
    route({ ...list, query: ItemsQuery, errors: ['LIMIT_TOO_HIGH'] }, async ({ query: { limit } }) => {
      if (limit > LIMIT_MAX) throw new Errors.LIMIT_TOO_HIGH({ limit, max: LIMIT_MAX })
      return [...items.values()].slice(0, limit)
    }),
  )

  app.get(
    '/items/:id',
    route({ ...one, params: ItemPath, errors: ['ITEM_NOT_FOUND'] }, async ({ params: { id } }) => {
      const item = items.get(id)
      if (item === undefined) throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id })
      return item
    }),
  )
}
