import { setTimeout as delay } from 'node:timers/promises'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const SLOW_MS = 1_500

const tags = { tags: ['4.9'] } as const
const Status = z.object({ status: z.string() })

/** 4.9: one route for each kind of line that the dashboard shows: good, slow, the client's fault, ours. */
export async function trafficRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/',
    route({ ...tags, summary: 'It is there', response: Status }, async () => ({ status: 'ok' })),
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
    route({ ...tags, summary: "The client's fault, always", errors: ['RECURSO_NO_ENCONTRADO'] }, async () => {
      throw new Errors.RECURSO_NO_ENCONTRADO()
    }),
  )

  app.get(
    '/error-servidor',
    route({ ...tags, summary: 'A bug, always' }, async () => ({ potions: countPotions('{}') })),
  )
}

/** A bug on purpose, of the kind that no type sees: what comes from outside is believed to have the right shape. */
function countPotions(json: string): number {
  const cart = JSON.parse(json) as { readonly potions: readonly string[] }
  return cart.potions.length
}
