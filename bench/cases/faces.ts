import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { circuitBreaker, retry, shield, timeout } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { recordMetrics } from 'escudo/otel'
import { createMetrics, publishDiagnostics } from 'escudo/telemetry'
import Fastify, { type FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import type { Contender, Group } from '../harness.ts'
import { inSequence, succeed } from './operations.ts'

// The cost of each face of the metrics beside none. A face is on only while its contender runs, because the counters see
// every call in the process. Each group has a process, so that no other group is measured in one that has watched calls.

/** What turns a face on, and returns what turns it off. */
type Face = () => () => void

const provider = new MeterProvider({
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
      exportIntervalMillis: 2 ** 30,
    }),
  ],
})

const FACES: Readonly<Record<string, Face>> = {
  escudo: () => () => {},
  'with text': () => {
    const metrics = createMetrics()
    return () => metrics.close()
  },
  'with prom-client': () => {
    const metrics = createMetrics({ registry: new Registry() })
    return () => metrics.close()
  },
  'with OpenTelemetry': () => recordMetrics({ meterProvider: provider }),
  'with diagnostics': () => publishDiagnostics(),
}

function contenders(run: Contender['run']): Contender[] {
  return Object.entries(FACES).map(([by, turnOn]) => ({
    by,
    run: async (calls) => {
      const turnOff = turnOn()
      try {
        return await run(calls)
      } finally {
        turnOff()
      }
    },
  }))
}

const call: Group = {
  name: 'metrics: three policies, success',
  alone: true,
  build: () => {
    const guarded = shield('metrics', timeout('2s'), retry(), circuitBreaker())
    return [{ by: 'bare', run: inSequence(succeed) }, ...contenders(inSequence(() => guarded.run(succeed)))]
  },
}

const request: Group = {
  name: 'metrics: a request of Fastify with three policies, without sockets',
  alone: true,
  build: async () => {
    const guarded = shield('metrics', timeout('2s'), retry(), circuitBreaker())
    const contract = createErrorContract({ service: 'bench', errors: defineErrors({}) })
    const app = await route(
      Fastify(contractOptions(contract)),
      () => guarded.run(succeed),
      async (server) => {
        await server.register(escudo, { contract })
      },
    )
    const bare = await route(Fastify(), succeed)
    return [{ by: 'bare', run: inSequence(bare) }, ...contenders(inSequence(app))]
  },
}

/** Adds a route that returns a number. Returns a function that requests it. */
async function route(
  app: FastifyInstance,
  operation: () => Promise<number>,
  prepare?: (app: FastifyInstance) => Promise<void>,
): Promise<() => Promise<number>> {
  await prepare?.(app)
  app.get('/items/:id', async () => ({ value: await operation() }))
  await app.ready()
  return async () => {
    const response = await app.inject('/items/1')
    return response.json<{ value: number }>().value
  }
}

export const faces: readonly Group[] = [call, request]
