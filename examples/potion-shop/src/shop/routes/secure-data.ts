import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Role } from '../tokens.ts'

const documented = {
  tags: ['4.2'],
  summary: 'Data for users only',
  security: 'user',
  response: z.object({ datos: z.string() }),
} as const

/** 4.2, the chapter's challenge: 401 without the token of a user. */
export function secureDataRoutes(roleOf: (token: unknown) => Role | undefined) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/secure_data',
      route(documented, async ({ headers }, reply) => {
        // As in the chapter, the token of an administrator does not work here.
        if (roleOf(headers['x-token']) !== 'user') {
          // RFC 9110, 15.5.2: a 401 must name the authentication scheme.
          reply.header('www-authenticate', 'X-Token')
          throw new Errors.AUTENTICACION_FALLIDA()
        }
        return { datos: 'La receta de la Super Poción: tres partes de maná y una de paciencia.' }
      }),
    )
  }
}
