import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const UserPath = z.object({ id: z.string().meta({ examples: ['admin'] }) })
const documented = {
  tags: ['4.8'],
  summary: 'Look a user up, and leave lines in the log',
  response: z.object({ user: z.string(), status: z.literal('ok') }),
} as const

/** 4.8: lines of the code's own, which share the trace of the request that they belong to. */
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
