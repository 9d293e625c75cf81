import type { ErrorContract } from 'escudo/errors'
import { adminRoutes, route } from 'escudo/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { ErrorCounts } from '../error-counts.ts'
import { CHALLENGE, type Role, tokenOf } from '../tokens.ts'

const adminOnly = { tags: ['4.3'], security: 'admin' } as const
const Counts = z.object({ total: z.int(), by_code: z.record(z.string(), z.int()) })
const errors = {
  ...adminOnly,
  summary: 'Error answers, by kind and code',
  response: z.object({
    since: z.iso.datetime(),
    business: Counts,
    technical: Counts,
    alert: z.object({ window_s: z.int(), technical: z.int(), threshold: z.int(), firing: z.boolean() }),
  }),
} as const

/** What the administration needs. */
export interface AdminParts {
  readonly contract: ErrorContract
  readonly roleOf: (token: unknown) => Role | undefined
  readonly counts: ErrorCounts
}

/** 4.2 and 4.3: administration. The state of shields and their levers, and error counts. */
export function administration({ contract, roleOf, counts }: AdminParts) {
  // Before the body is read, so that an unauthorised client learns nothing about its schema.
  const authorize = (request: FastifyRequest): { readonly actor: string } => {
    const role = roleOf(tokenOf(request.headers))
    if (role === undefined) {
      throw new Errors.AUTENTICACION_FALLIDA(undefined, { headers: { 'www-authenticate': CHALLENGE } })
    }
    if (role !== 'admin') throw new Errors.ACCESO_PROHIBIDO()
    // The shop has one token for all administrators. A real service has one for each of them.
    return { actor: 'admin' }
  }

  return async (app: FastifyInstance): Promise<void> => {
    await app.register(adminRoutes({ contract, authorize, ...adminOnly }))
    app.get(
      '/admin/errors',
      route({ ...errors, onRequest: async (request) => void authorize(request) }, async () => counts.status()),
    )
  }
}
