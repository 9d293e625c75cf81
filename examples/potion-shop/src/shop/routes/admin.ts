import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { ErrorCounts } from '../error-counts.ts'
import { managedShields } from '../shields.ts'
import type { Role } from '../tokens.ts'

const PolicyPath = z.object({
  shield: z.string().meta({ examples: ['external'] }),
  policy: z.string().meta({ examples: ['circuitBreaker'] }),
})
const Action = z.object({ action: z.enum(['isolate', 'reset']) })

const ERROR_NAMES = ['ESCUDO_NO_ENCONTRADO', 'POLITICA_NO_ENCONTRADA', 'POLITICA_SIN_INTERRUPTOR'] as const

const adminOnly = { tags: ['4.3'], security: 'admin' } as const
const Counts = z.object({ total: z.int(), by_code: z.record(z.string(), z.int()) })
const shields = {
  ...adminOnly,
  summary: 'The state of every shield',
  response: z.object({
    shields: z.array(
      z.object({ name: z.string(), policies: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
    ),
  }),
} as const
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
const setBreaker = {
  ...adminOnly,
  summary: 'Isolate or reset a circuit breaker',
  response: z.object({ shield: z.string(), policy: z.string(), state: z.string() }),
} as const

/** 4.2 and 4.3: administration. The state of shields, control of breakers, and error counts. */
export function adminRoutes(roleOf: (token: unknown) => Role | undefined, counts: ErrorCounts) {
  return async (app: FastifyInstance): Promise<void> => {
    // Before the body is read, so that an unauthorised client learns nothing about its schema.
    app.addHook('onRequest', async ({ headers }, reply) => {
      const role = roleOf(headers['x-token'])
      if (role === undefined) {
        reply.header('www-authenticate', 'X-Token')
        throw new Errors.AUTENTICACION_FALLIDA()
      }
      if (role !== 'admin') throw new Errors.ACCESO_PROHIBIDO()
    })

    app.get(
      '/admin/shields',
      route(shields, async () => ({ shields: managedShields.map(({ shield }) => shield.status()) })),
    )

    app.get(
      '/admin/errors',
      route(errors, async () => counts.status()),
    )

    app.post(
      '/admin/shields/:shield/:policy',
      route(
        { ...setBreaker, params: PolicyPath, body: Action, errors: ERROR_NAMES },
        async ({ params, body: { action }, log }) => {
          const { shield, policy } = params
          const breaker = breakerOf(shield, policy)
          // Shows that an administrator caused the state change that the breaker logs next.
          log.warn({ shield, policy, action }, 'admin.breaker')
          breaker[action]()
          return { shield, policy, state: breaker.state }
        },
      ),
    )
  }
}

function breakerOf(shield: string, policy: string) {
  const managed = managedShields.find((one) => one.shield.name === shield)
  if (managed === undefined) throw new Errors.ESCUDO_NO_ENCONTRADO({ shield })
  const type = managed.shield.status().policies.find(({ name }) => name === policy)?.type
  if (type === undefined) throw new Errors.POLITICA_NO_ENCONTRADA({ shield, policy })
  const breaker = managed.breakers.find(({ name }) => name === policy)
  if (breaker === undefined) throw new Errors.POLITICA_SIN_INTERRUPTOR({ shield, policy, type })
  return breaker
}
