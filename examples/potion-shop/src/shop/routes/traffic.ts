import { setTimeout as delay } from 'node:timers/promises'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const SLOW_MS = 1_500

const tags = { tags: ['4.9'] } as const
const Status = z.object({ status: z.string() })

/** 4.9: one route for each kind of line on the dashboard: success, slow, client error, server error. */
export async function trafficRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/',
    route({ ...tags, summary: 'Always succeeds', response: Status }, async () => ({ status: 'ok' })),
  )

  app.get(
    '/lento',
    route({ ...tags, summary: 'A slow answer', response: Status }, async () => {
      await delay(SLOW_MS)
      return { status: 'ok, pero lento' }
    }),
  )

  app.get(
    '/error-cliente',
    route({ ...tags, summary: 'Always a client error', errors: ['RECURSO_NO_ENCONTRADO'] }, async () => {
      throw new Errors.RECURSO_NO_ENCONTRADO()
    }),
  )

  app.get(
    '/error-servidor',
    route({ ...tags, summary: 'Always a bug' }, async () => ({ potions: countPotions('{}') })),
  )
}

/** A deliberate bug that types cannot catch: the cast trusts external data. */
function countPotions(json: string): number {
  const cart = JSON.parse(json) as { readonly potions: readonly string[] }
  return cart.potions.length
}
