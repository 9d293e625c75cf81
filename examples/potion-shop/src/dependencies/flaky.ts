// The flaky service: it fails often, and is as slow as the request says.
import { setTimeout as delay } from 'node:timers/promises'
import { defineErrors } from 'escudo/errors'
import { route } from 'escudo/fastify'
import { z } from 'zod'
import { logEngine, logFile, ownPort, ports, rates, seed } from '../process/known-settings.ts'
import { main } from '../process/main.ts'
import { serve } from '../process/service.ts'
import { createDependency } from './service.ts'

const settings = {
  port: ownPort(ports.flaky),
  fakeServiceFailRate: rates.fakeService,
  unstableFailRate: rates.unstable,
  seed,
  logFile,
  logEngine,
} as const

const Errors = defineErrors({
  TEMPORARY_FAILURE: { status: 503, message: { es: 'Fallo temporal', en: 'Temporary failure' } },
  SIMULATED_FAILURE: { status: 500, message: { es: 'Fallo simulado', en: 'Simulated failure' } },
})

const SLOW_MS_MAX = 60_000
const SlowPath = z.object({ dependency: z.string() })
const Slow = z.object({ ms: z.coerce.number().int().min(0).max(SLOW_MS_MAX).default(0) })

await main('flaky-service', 'node src/dependencies/flaky.ts', settings, async (values) => {
  const { app, fails } = await createDependency({ service: 'flaky-service', errors: Errors, ...values })

  app.get(
    '/fake_service',
    route({ errors: ['TEMPORARY_FAILURE'] }, async () => {
      if (fails(values.fakeServiceFailRate)) throw new Errors.TEMPORARY_FAILURE()
      return { message: 'Service OK' }
    }),
  )

  app.get(
    '/unstable',
    route({ errors: ['SIMULATED_FAILURE'] }, async () => {
      if (fails(values.unstableFailRate)) throw new Errors.SIMULATED_FAILURE()
      return { message: 'Todo OK' }
    }),
  )

  app.get(
    '/slow/:dependency',
    route({ params: SlowPath, query: Slow }, async ({ params: { dependency }, query: { ms } }) => {
      await delay(ms)
      return { dependency, ms }
    }),
  )

  await serve(app, { port: values.port, setting: settings.port }, values.logFile)
})
