import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { ErrorCounts } from '../error-counts.ts'
import { guards } from '../shields.ts'
import type { Role } from '../tokens.ts'

const PolicyPath = z.object({
  shield: z.string().meta({ examples: ['external'] }),
  policy: z.string().meta({ examples: ['circuitBreaker'] }),
})
const Action = z.object({ action: z.enum(['isolate', 'reset']) })

const ANSWERS = ['ESCUDO_NO_ENCONTRADO', 'POLITICA_NO_ENCONTRADA', 'POLITICA_SIN_INTERRUPTOR'] as const

const guarded = { tags: ['4.3'], security: 'admin' } as const
const Counts = z.object({ total: z.int(), by_code: z.record(z.string(), z.int()) })
const shields = {
  ...guarded,
  summary: 'The state of every shield',
  response: z.object({
    shields: z.array(
      z.object({ name: z.string(), policies: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
    ),
  }),
} as const
const errors = {
  ...guarded,
  summary: 'Errors that were answered, by kind and code',
  response: z.object({
    since: z.iso.datetime(),
    business: Counts,
    technical: Counts,
    alert: z.object({ window_s: z.int(), technical: z.int(), threshold: z.int(), firing: z.boolean() }),
  }),
} as const
const act = {
  ...guarded,
  summary: 'Isolate or reset a circuit breaker',
  response: z.object({ shield: z.string(), policy: z.string(), state: z.string() }),
} as const

/** 4.2 and 4.3: for those who run the shop. The state of every shield, a hand on every breaker, errors by their kind. */
export function adminRoutes(roleOf: (token: unknown) => Role | undefined, counts: ErrorCounts) {
  return async (app: FastifyInstance): Promise<void> => {
    // Before the body is read: strangers learn nothing of what would be right in it.
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
      route(shields, async () => ({ shields: guards.map(({ shield }) => shield.status()) })),
    )

    app.get(
      '/admin/errors',
      route(errors, async () => counts.status()),
    )

    app.post(
      '/admin/shields/:shield/:policy',
      route(
        { ...act, params: PolicyPath, body: Action, errors: ANSWERS },
        async ({ params, body: { action }, log }) => {
          const { shield, policy } = params
          const breaker = breakerOf(shield, policy)
          // Ahead of the breaker's own line: that one says what changed, this one that somebody wanted it.
          log.warn({ shield, policy, action }, 'admin.breaker')
          breaker[action]()
          return { shield, policy, state: breaker.state }
        },
      ),
    )
  }
}

function breakerOf(shield: string, policy: string) {
  const guard = guards.find((one) => one.shield.name === shield)
  if (guard === undefined) throw new Errors.ESCUDO_NO_ENCONTRADO({ shield })
  const type = guard.shield.status().policies.find(({ name }) => name === policy)?.type
  if (type === undefined) throw new Errors.POLITICA_NO_ENCONTRADA({ shield, policy })
  const breaker = guard.breakers.find(({ name }) => name === policy)
  if (breaker === undefined) throw new Errors.POLITICA_SIN_INTERRUPTOR({ shield, policy, type })
  return breaker
}
