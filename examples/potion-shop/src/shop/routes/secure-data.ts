import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Role } from '../tokens.ts'

const documented = {
  tags: ['4.2'],
  summary: 'What only a user may see',
  security: 'user',
  response: z.object({ datos: z.string() }),
} as const

/** 4.2, the chapter's challenge: who does not say who he is gets 401. */
export function secureDataRoutes(roleOf: (token: unknown) => Role | undefined) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/secure_data',
      route(documented, async ({ headers }, reply) => {
        // This one token, as the chapter has it: that of an administrator opens other doors.
        if (roleOf(headers['x-token']) !== 'user') {
          // RFC 9110, 15.5.2: a 401 says how to do better.
          reply.header('www-authenticate', 'X-Token')
          throw new Errors.AUTENTICACION_FALLIDA()
        }
        return { datos: 'La receta de la Super Poción: tres partes de maná y una de paciencia.' }
      }),
    )
  }
}
