import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import { shield } from '../../core/shield.ts'
import { UpstreamError } from '../../http/upstream-error.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { faults } from '../../testing/faults/faults.ts'
import { resilientRequest } from '../index.ts'

const CALLS = 10_000
const CONCURRENT = 100

const chaos = () =>
  faults(
    [
      { match: { rate: 0.15 }, fault: { status: 503 } },
      { match: { rate: 0.05 }, fault: { status: 500, body: 'truncated' } },
      { match: { rate: 0.1 }, fault: { status: 404 } },
      { match: { rate: 0.05 }, fault: { error: 'reset' } },
      { match: { rate: 0.05 }, fault: { body: 'truncated' } },
      { match: { rate: 0.01 }, fault: { body: 'stall' } },
      { match: { rate: 0.01 }, fault: { error: 'timeout' } },
      { match: { rate: 0.05 }, fault: { latencyMs: 10, jitterMs: 10 } },
    ],
    { seed: 11 },
  ).middleware()

async function connectionsOf(server: Server): Promise<number> {
  return await new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

test('ends each of 10,000 calls against mixed faults once, typed, and without leaks', {
  timeout: 120_000,
}, async () => {
  const middleware = chaos()
  const large = Buffer.alloc(200_000, 'x')
  const server = createServer((request, response) => {
    middleware(request, response, () => response.end(request.url === '/large' ? large : 'small'))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)

  const guarded = shield(
    'storm',
    retry({ maxRetries: 2, backoff: constant(2) }),
    circuitBreaker({ trip: consecutive(1_000_000) }),
    bulkhead({ limit: 50, queue: 1_000 }),
    // Long enough for answers on a busy machine.
    timeout(800),
    hedge({ after: 100 }),
  )
  const dispatcher = new Agent({ connections: 60 })
  const options = { name: 'storm', baseUrl, shield: guarded, dispatcher }
  const clients = [resilientRequest({ ...options, errors: 'throw' }), resilientRequest(options)] as const
  const unaborted = new AbortController()
  const random = seededRandom(5)
  const outcomes = new Map<string, number>()
  const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

  const callOnce = async (index: number): Promise<void> => {
    const send = clients[index % 2] as (typeof clients)[0]
    const impatient = new AbortController()
    const aborts = random() < 0.1
    if (aborts) setTimeout(() => impatient.abort('impatient'), random() * 50)
    const signal = aborts ? impatient.signal : random() < 0.5 ? unaborted.signal : null
    const path = random() < 0.3 ? '/large' : '/small'
    try {
      const { statusCode, body } = await send(path, { signal, method: random() < 0.2 ? 'POST' : 'GET' })
      const end = random()
      if (end < 0.1) body.on('error', () => {}).destroy()
      else if (end < 0.2) await body.dump()
      else if (statusCode === 200) expect(await body.text()).toHaveLength(path === '/large' ? large.length : 5)
      else await body.text()
      count('answer')
    } catch (error) {
      if (error === 'impatient') count('impatient')
      else {
        expect(error).toBeInstanceOf(UpstreamError)
        count((error as UpstreamError).code)
      }
    }
  }
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CALLS) {
      next += 1
      await callOnce(next)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, worker))

  // The permit of a cancelled or unread body is released later.
  const permits = () => guarded.status().policies[2] as unknown as { inUse: number; queued: number }
  while (permits().inUse > 0) await new Promise((resume) => setTimeout(resume, 10))
  await new Promise(setImmediate)
  expect([...outcomes.values()].reduce((sum, each) => sum + each)).toBe(CALLS)
  for (const outcome of ['answer', 'impatient', 'UPSTREAM_ERROR', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT']) {
    expect(outcomes.get(outcome)).toBeGreaterThan(0)
  }
  expect(permits()).toMatchObject({ inUse: 0, queued: 0 })
  expect(getEventListeners(unaborted.signal, 'abort')).toHaveLength(0)
  // No response is half read: the agent can close without waiting for one, and then no connection is left.
  await dispatcher.close()
  await expect.poll(() => connectionsOf(server), { timeout: 5_000 }).toBe(0)
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  server.close()
})
