import { getEventListeners } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { faults } from '../../testing/faults/faults.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { UpstreamError } from '../upstream-error.ts'

test('ends each of 1,000 calls against mixed faults once, typed, and without leaks', async () => {
  const chaos = faults(
    [
      { match: { rate: 0.15 }, fault: { status: 503 } },
      { match: { rate: 0.1 }, fault: { status: 500, body: 'truncated' } },
      { match: { rate: 0.1 }, fault: { status: 404 } },
      { match: { rate: 0.1 }, fault: { error: 'reset' } },
      { match: { rate: 0.1 }, fault: { body: 'truncated' } },
      { match: { rate: 0.05 }, fault: { body: 'stall' } },
      { match: { rate: 0.05 }, fault: { error: 'timeout' } },
      { match: { rate: 0.1 }, fault: { latencyMs: 20, jitterMs: 20 } },
    ],
    { seed: 11 },
  )
  const middleware = chaos.middleware()
  const large = Buffer.alloc(200_000, 'x')
  const server = createServer((request, response) => {
    middleware(request, response, () => response.end(request.url === '/large' ? large : 'small'))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const guarded = shield(
    'storm',
    retry({ maxRetries: 2, backoff: constant(2) }),
    circuitBreaker({ trip: consecutive(1_000_000) }),
    bulkhead({ limit: 50, queue: 1_000 }),
    // Long enough for answers on a busy machine.
    timeout(800),
  )
  const unaborted = new AbortController()
  const random = seededRandom(5)
  const outcomes = new Map<string, number>()
  const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

  const callOnce = async (index: number): Promise<void> => {
    const errors = index % 2 === 0 ? 'throw' : 'fetch'
    const get = resilientFetch({ name: 'storm', baseUrl, shield: guarded, errors })
    const impatient = new AbortController()
    const aborts = random() < 0.1
    if (aborts) setTimeout(() => impatient.abort('impatient'), random() * 100)
    const signal = aborts ? impatient.signal : unaborted.signal
    const path = random() < 0.5 ? '/large' : '/small'
    try {
      const response = await get(path, { signal, method: random() < 0.2 ? 'POST' : 'GET' })
      if (random() < 0.1) await response.body?.cancel()
      else if (response.ok) expect(await response.text()).toHaveLength(path === '/large' ? large.length : 5)
      else await response.text()
      count('answer')
    } catch (error) {
      if (error === 'impatient') count('impatient')
      else {
        expect(error).toBeInstanceOf(UpstreamError)
        count((error as UpstreamError).code)
      }
    }
  }
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => callOnce(index)))
  // The permit of a cancelled or unread body is released later.
  const permits = () => guarded.status().policies[2] as unknown as { inUse: number; queued: number }
  while (permits().inUse > 0) await new Promise((resume) => setTimeout(resume, 10))
  await new Promise(setImmediate)

  expect([...outcomes.values()].reduce((sum, each) => sum + each)).toBe(1_000)
  for (const outcome of ['answer', 'impatient', 'UPSTREAM_ERROR', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT']) {
    expect(outcomes.get(outcome)).toBeGreaterThan(0)
  }
  expect(permits()).toMatchObject({ inUse: 0, queued: 0 })
  expect(getEventListeners(unaborted.signal, 'abort')).toHaveLength(0)
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
})
