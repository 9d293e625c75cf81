import { once } from 'node:events'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'

const documented = {
  tags: ['4.1'],
  summary: 'Crash the process, which shuts down in order',
  response: { 202: z.object({ mensaje: z.string() }) },
} as const

/**
 * 4.1: an unhandled rejection outside any request, where no error handler applies. The process shuts down in order
 * (`process/crash.ts`), and the supervisor starts it again.
 */
export async function crashDemoRoutes(app: FastifyInstance): Promise<void> {
  app.post(
    '/crash-demo',
    route(documented, async (_request, reply) => {
      // 'close' follows the answer, and also fires when the client disconnects.
      void once(reply.raw, 'close').then(() => {
        throw new Error('simulated crash: an unhandled rejection')
      })
      reply.code(202)
      return { mensaje: 'El proceso va a caer, y vuelve enseguida.' }
    }),
  )
}
