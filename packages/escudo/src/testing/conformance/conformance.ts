import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { ConformanceCheck } from './conformance-check.ts'
import type { Target } from './connection.ts'
import { goldenChecks } from './golden.ts'
import { hostileChecks } from './hostile.ts'
import type { ConformanceRoutes } from './routes.ts'
import { SMALL_SERVICE } from './small-service.ts'

/** Options of {@link conformanceChecks}. */
export interface ConformanceOptions {
  /** Where the service runs: `http://127.0.0.1:8000`. Without TLS, because the checks write raw bytes. */
  readonly url: string
  /** The routes of the service. Default: those of the small service in `examples/frameworks`. */
  readonly routes?: ConformanceRoutes
  /** The names of checks to omit. */
  readonly skip?: readonly string[]
}

/**
 * Checks that a running service keeps the error contract, whatever its framework.
 *
 * The checks write raw bytes to its socket: hostile requests of all kinds, and requests whose answers are known. Each
 * one also checks that the service is still alive. Run them with any test runner.
 *
 * The service must trust the trace of loopback peers, as a contract does by default.
 *
 * @returns the checks, in the order in which to run them
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo } from 'escudo/fastify'
 * import { conformanceChecks } from 'escudo/testing'
 * import Fastify from 'fastify'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * app.get('/health', async () => 'ok')
 * const url = await app.listen({ host: '127.0.0.1', port: 0 })
 *
 * // In a test file: for (const { name, run } of conformanceChecks({ url, routes })) test(name, run)
 * for (const { run } of conformanceChecks({ url, routes: { get: '/health' } })) await run()
 * await app.close()
 * ```
 */
export function conformanceChecks(options: ConformanceOptions): readonly ConformanceCheck[] {
  const { target, routes, skip } = readOptions(options)
  const { get, golden = [] } = routes
  const checks = [...goldenChecks(target, golden), ...hostileChecks(target, routes)]
  const unknown = skip.find((name) => !checks.some((check) => check.name === name))
  if (unknown !== undefined) {
    throw new ConfigurationError('conformanceChecks.skip', `expected the name of a check, got ${show(unknown)}`)
  }
  const alive = get === undefined ? [] : goldenChecks(target, [{ path: get, status: 200 }])
  return checks
    .filter(({ name }) => !skip.includes(name))
    .map(({ name, run }) => ({
      name,
      run: async () => {
        await run()
        for (const check of alive) await check.run()
      },
    }))
}

function readOptions(options: ConformanceOptions): {
  readonly target: Target
  readonly routes: ConformanceRoutes
  readonly skip: readonly string[]
} {
  knownKeys(options, 'conformanceChecks', ['url', 'routes', 'skip'])
  const { url, routes = SMALL_SERVICE, skip = [] } = options
  knownKeys(routes, 'conformanceChecks.routes', ['get', 'parameter', 'post', 'golden'])
  return { target: targetOf(url), routes, skip }
}

function targetOf(url: string): Target {
  try {
    const { protocol, hostname, port } = new URL(url)
    if (protocol === 'http:') return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port) }
  } catch {
    // Reported below.
  }
  throw new ConfigurationError('conformanceChecks.url', `expected the URL of a service, http://…, got ${show(url)}`)
}
