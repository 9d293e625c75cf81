import { once } from 'node:events'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'

const documented = {
  tags: ['4.1'],
  summary: 'Bring the process down, in order',
  response: { 202: z.object({ mensaje: z.string() }) },
} as const

/**
 * 4.1: a bug outside of any request, which no error handler can answer for: a promise is rejected and nobody is there to
 * catch it. The process goes down in order (`process/crash.ts`), and the supervisor starts it again.
 */
export async function crashDemoRoutes(app: FastifyInstance): Promise<void> {
  app.post(
    '/crash-demo',
    route(documented, async (_request, reply) => {
      // Closed, also when the client went away: whoever asked has the answer by then, or does not want it any more.
      void once(reply.raw, 'close').then(() => {
        throw new Error('simulated crash: a promise that nobody catches')
      })
      reply.code(202)
      return { mensaje: 'El proceso va a caer, y vuelve enseguida.' }
    }),
  )
}
