import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const LIMIT_MAX = 100

// A Map, because an id may be `__proto__`.
const items = new Map([
  ['item1', { id: 'item1', nombre: 'Poción de Salud' }],
  ['item2', { id: 'item2', nombre: 'Espada de Luz' }],
  ['SuperPocion', { id: 'SuperPocion', nombre: 'Super Poción' }],
])

const ItemPath = z.object({ id: z.string().meta({ examples: ['item1'] }) })

// Text that is not a limit gets 422; a limit above the maximum breaks a rule of the shop and gets 400. The pattern rejects
// '', '1e3' and '0x10', which `z.coerce.number()` accepts. Up to 15 digits are exact as a number.
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

/** 4.1 and 4.2: a list with a limit, and a resource with its 404. */
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
    // Not async, because it waits for nothing: a promise that is rejected costs several times an error that is thrown. A
    // returned error gets the same answer and costs less again: for a throw, the runtime searches its place.
    route({ ...one, params: ItemPath, errors: ['ITEM_NOT_FOUND'] }, ({ params: { id } }) => {
      const item = items.get(id)
      if (item === undefined) return new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id })
      return item
    }),
  )
}
