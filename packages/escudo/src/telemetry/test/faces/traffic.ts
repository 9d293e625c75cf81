// Traffic that uses every metric: requests over sockets, through an adapter, a client and all policies.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { shield } from '../../../core/shield.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { adaptiveLimiter } from '../../../policies/adaptive-limiter/adaptive-limiter.ts'
import { adaptiveThrottle } from '../../../policies/adaptive-throttle/adaptive-throttle.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { cache } from '../../../policies/cache/cache.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { coalesce } from '../../../policies/coalesce/coalesce.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { hedge } from '../../../policies/hedge/hedge.ts'
import { rateLimiter } from '../../../policies/rate-limiter/rate-limiter.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { createExchanges } from '../../../server/exchanges.ts'
import { Errors, serve, type TestServer } from '../../../server/fastify/test/setup.ts'

const exchanges = createExchanges({ contract: createErrorContract({ service: 'jobs', errors: Errors }) })

/** A service and its dependency, with a shield for each kind of policy. */
export class Traffic {
  readonly #service: TestServer
  readonly #dependency: Server
  /** The shields, so that their gauges stay. */
  readonly shields: readonly unknown[]

  private constructor(service: TestServer, dependency: Server, shields: readonly unknown[]) {
    this.#service = service
    this.#dependency = dependency
    this.shields = shields
  }

  static async start(): Promise<Traffic> {
    let requests = 0
    const dependency = createServer((request, response) => {
      requests += 1
      const path = request.url ?? ''
      // Every third answer of a hedged resource is slow.
      const delayMs = path.startsWith('/slow') || (path.startsWith('/hedged') && requests % 3 === 0) ? 40 : 0
      const status = path.startsWith('/fail') ? 503 : path.startsWith('/missing') ? 404 : 200
      setTimeout(() => response.writeHead(status, { 'content-type': 'application/json' }).end('{}'), delayMs)
    })
    await new Promise<void>((resolve) => dependency.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(dependency.address() as AddressInfo).port}`

    const guarded = shield(
      'guarded',
      timeout('2s', { name: 'total' }),
      retry({ maxRetries: 1, backoff: constant(2) }),
      circuitBreaker({ trip: consecutive(4), openFor: 30 }),
      bulkhead({ limit: 2, queue: 2 }),
      timeout('20ms'),
    )
    const call = resilientFetch({ name: 'guarded', baseUrl, shield: guarded, errors: 'throw' })
    const bare = resilientFetch({ name: 'bare', baseUrl, shield: false, errors: 'throw' })
    const degrading = shield('degrading', fallback({ substitute: true }), circuitBreaker({ name: 'inner' }))
    const cached = shield('cached', cache({ ttl: 15, staleIfError: '1m' }), coalesce(), timeout('1s'))
    const hedged = shield('hedged', hedge({ after: 5 }))
    const limited = shield('limited', rateLimiter({ limit: 200, per: '1s', burst: 2, maxWait: 10 }), adaptiveThrottle())
    const adaptive = shield('adaptive', adaptiveLimiter({ initial: 1, max: 2 }))

    const run: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
      guarded: (path) => call(path),
      degrading: (path) => degrading.run(() => bare(path)),
      cached: (path) => cached.run(async () => (await bare(path)).status, { key: 'one' }),
      hedged: (path) => hedged.run(async ({ signal }) => (await bare(path, { signal })).status),
      limited: (path) => limited.run(() => bare(path)),
      adaptive: (path) => adaptive.run(() => bare(path)),
    }
    const service = await serve((app) => {
      app.get<{ Params: { shield: string; path: string } }>('/use/:shield/:path', async ({ params }) => {
        await run[params.shield]?.(`/${params.path}`)
        return {}
      })
      app.get('/business', async () => {
        throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: 'x' })
      })
      app.get('/cancelled', async () => {
        await guarded.run(() => new Promise(() => {}), { signal: AbortSignal.abort() }).catch(() => {})
        return {}
      })
    })
    return new Traffic(service, dependency, [guarded, degrading, cached, hedged, limited, adaptive])
  }

  /** Sends one round of all kinds of request. */
  async round(): Promise<void> {
    const paths = ['ok', 'fail', 'slow', 'missing']
    for (const name of ['guarded', 'degrading', 'cached', 'hedged', 'limited', 'adaptive']) {
      for (const path of paths) {
        // At once, so that queues fill; then one by one.
        await Promise.all(Array.from({ length: 6 }, () => this.#get(`/use/${name}/${path}`)))
        for (let call = 0; call < 3; call += 1) await this.#get(`/use/${name}/${path}`)
      }
    }
    for (let call = 0; call < 6; call += 1) await this.#get('/use/hedged/hedged')
    await this.#get('/business')
    await this.#get('/cancelled')
    await this.#get(`/nowhere/${Math.random()}`)
    exchanges.begin({ name: 'job' }).end()
    const failing = exchanges.begin({ name: 'job' })
    failing.fail(new Error('of a job'))
    failing.end()
  }

  /** Waits until nothing runs any more: slow answers of calls that timed out end last. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 150))
  }

  async close(): Promise<void> {
    await this.#service.app.close()
    this.#dependency.closeAllConnections()
    await new Promise((resolve) => this.#dependency.close(resolve))
  }

  async #get(path: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#service.port}${path}`)
    await response.text()
  }
}
