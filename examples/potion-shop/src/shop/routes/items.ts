import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

// A Map and not an object: an id may well be `__proto__`.
const items = new Map([
  ['item1', { id: 'item1', nombre: 'Poción de Salud' }],
  ['item2', { id: 'item2', nombre: 'Espada de Luz' }],
  ['SuperPocion', { id: 'SuperPocion', nombre: 'Super Poción' }],
])

const ItemPath = z.object({ id: z.string() })

/** 4.2: a resource, and the error for one that is not there. */
export async function itemRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/items/:id',
    route({ params: ItemPath, errors: ['ITEM_NOT_FOUND'] }, async ({ params: { id } }) => {
      const item = items.get(id)
      if (item === undefined) throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id })
      return item
    }),
  )
}
