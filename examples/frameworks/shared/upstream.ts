// A dependency that fails in every way, behind policies.
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { bulkhead, circuitBreaker, shield, timeout } from 'escudo'
import { WellKnown } from 'escudo/errors'
import { resilientFetch } from 'escudo/http'

const breaker = circuitBreaker({ openFor: '30s' })
const broken = shield('broken-dependency', breaker)
const full = shield('full-dependency', bulkhead({ limit: 1, queue: 0 }))
const slow = shield('slow-dependency', timeout('50ms'))
// No shield: a breaker would open after some requests, and answer in place of the upstream.
const get = resilientFetch({ name: 'upstream', shield: false, errors: 'throw' })

/** A server that rejects all credentials. It does not keep the process alive. */
const rejecting = createServer((_request, response) => {
  response.writeHead(401, { 'www-authenticate': 'Bearer realm="upstream"' }).end('{"secret":"of the upstream"}')
})
rejecting.listen(0, '127.0.0.1').unref()

const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
  open: () => {
    // Opened again for each request, so that `Retry-After` is always the same.
    breaker.reset()
    breaker.trip()
    return broken.run(async () => 'not reached')
  },
  full: async () => await full.run(async () => 'not reached'),
  timeout: () => slow.run(({ signal }) => delay(10_000, undefined, { signal })),
  // Nothing listens on port 1.
  refused: () => get('http://127.0.0.1:1/'),
  '401': () => get(`http://127.0.0.1:${(rejecting.address() as { port: number }).port}/`),
}

// Holds the only permit for as long as the process lives.
full.run(() => new Promise(() => {})).catch(() => {})

/** `GET /upstream/:how` */
export async function upstream(how: string): Promise<unknown> {
  const call = Object.hasOwn(WAYS, how) ? WAYS[how] : undefined
  if (call === undefined) throw new WellKnown.ROUTE_NOT_FOUND()
  return await call()
}
