// A worker: each path is one call of a shield that all requests share.
import { bulkhead, circuitBreaker, consecutive, constant, hedge, rateLimiter, retry, shield, timeout } from 'escudo'

const WAIT_MS = 150
const never = (): Promise<never> => new Promise(() => {})

const timed = shield('timed', timeout(WAIT_MS))
const limited = shield('limited', rateLimiter({ limit: 1, per: WAIT_MS, maxWait: '1m' }))
const narrow = shield('narrow', bulkhead({ limit: 1, queue: 10, maxWait: WAIT_MS }))
const retried = shield('retried', retry({ maxRetries: 1, backoff: constant(WAIT_MS) }))
const plain = shield('plain', retry({ maxRetries: 0 }))
const hedged = shield('hedged', hedge({ after: WAIT_MS }))
const circuit = circuitBreaker({ trip: consecutive(1), openFor: WAIT_MS })
const guarded = shield('guarded', circuit)

/** Fails once, or never settles once, then succeeds. */
function second(first: () => Promise<string>): () => Promise<string> {
  let calls = 0
  return () => {
    calls += 1
    return calls === 1 ? first() : Promise.resolve('ok')
  }
}

const calls: Readonly<Record<string, () => Promise<string>>> = {
  '/ok': () => timed.run(async () => 'ok'),
  '/timeout': () => timed.run(never),
  '/deadline': () => plain.run(never, { deadline: WAIT_MS }),
  '/rate-limiter': () => limited.run(async () => 'ok'),
  '/bulkhead': () => narrow.run(never),
  '/retry': () => retried.run(second(() => Promise.reject(new Error('refused')))),
  '/hedge': () => hedged.run(second(never)),
  '/trip': () => guarded.run(() => Promise.reject(new Error('refused'))),
  '/circuit': () => guarded.run(async () => 'ok'),
  '/runtime': async () => (globalThis as unknown as { navigator: { userAgent: string } }).navigator.userAgent,
}

export default {
  async fetch(request: Request): Promise<Response> {
    const call = calls[new URL(request.url).pathname]
    if (call === undefined) return new Response('no such path', { status: 404 })
    try {
      return new Response(await call())
    } catch (error) {
      return new Response(String((error as { code?: string }).code ?? error))
    }
  },
}
