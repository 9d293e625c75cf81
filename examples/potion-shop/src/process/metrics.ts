import { createMetrics } from 'escudo/telemetry'
import type { FastifyInstance } from 'fastify'

/**
 * `GET /metrics` for Prometheus: what this process serves, what it calls, and what its shields do. To be called before
 * the first request, since nothing is counted without it.
 */
export function metricsRoute(app: FastifyInstance): void {
  const metrics = createMetrics()
  app.get('/metrics', async (request, reply) => {
    const { contentType, body } = metrics.scrape(request.headers.accept)
    return reply.header('content-type', contentType).header('vary', 'accept').send(body)
  })
  app.addHook('onClose', async () => metrics.close())
}
