import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const UserPath = z.object({ id: z.string().meta({ examples: ['admin'] }) })
const documented = {
  tags: ['4.8'],
  summary: 'Look up a user and log each step',
  response: z.object({ user: z.string(), status: z.literal('ok') }),
} as const

/** 4.8: log lines of the handler, with the trace id of their request. */
export async function userLookupRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/user/:id',
    route({ ...documented, params: UserPath, errors: ['USUARIO_NO_ENCONTRADO'] }, async ({ params: { id }, log }) => {
      log.info({ user_id: id }, 'user_lookup_started')
      if (id !== 'admin') throw new Errors.USUARIO_NO_ENCONTRADO()
      log.warn({ permissions: 'full' }, 'admin_user_accessed')
      return { user: id, status: 'ok' }
    }),
  )
}
