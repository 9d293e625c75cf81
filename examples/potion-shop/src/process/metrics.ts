import { createMetrics } from 'escudo/telemetry'
import type { FastifyInstance } from 'fastify'

/**
 * Adds `GET /metrics` for Prometheus: requests served, calls made and events of shields. Call it before the first
 * request: earlier events are not counted.
 *
 * @param instance the name of this instance; undefined if there is only one
 */
export function metricsRoute(app: FastifyInstance, instance?: string): void {
  const metrics = createMetrics({ instance })
  app.get('/metrics', async (request, reply) => {
    const { contentType, body } = metrics.scrape(request.headers.accept)
    return reply.header('content-type', contentType).header('vary', 'accept').send(body)
  })
  app.addHook('onClose', async () => metrics.close())
}
