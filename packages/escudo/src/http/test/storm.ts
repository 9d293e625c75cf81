import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type Random, seededRandom } from '../../core/random.ts'
import { shield } from '../../core/shield.ts'
import type { Shield } from '../../core/shield-types.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { faults } from '../../testing/faults/faults.ts'
import { UpstreamError } from '../upstream-error.ts'

const LARGE = Buffer.alloc(200_000, 'x')

/** One call of a storm. */
export interface StormCall {
  readonly index: number
  readonly path: '/large' | '/small'
  /** The length of a complete answer. */
  readonly length: number
  readonly method: 'GET' | 'POST'
  readonly signal: AbortSignal
  readonly random: Random
}

interface Storm {
  readonly calls: number
  /** How many calls run at the same time. */
  readonly concurrent: number
  readonly rules: Parameters<typeof faults>[0]
  readonly guarded: Shield
  /** Makes the client. It sends a call, and reads or ends the answer. */
  client(baseUrl: string): (call: StormCall) => Promise<void>
  /** Closes the connections of the client. */
  close?(): Promise<void>
}

/** A shield with all policies that hold permits or timers. */
export function stormShield(...innermost: Parameters<typeof shield>[1][]): Shield {
  return shield(
    'storm',
    retry({ maxRetries: 2, backoff: constant(2) }),
    circuitBreaker({ trip: consecutive(1_000_000) }),
    bulkhead({ limit: 50, queue: 1_000 }),
    // Long enough for answers on a busy machine.
    timeout(800),
    ...(innermost as []),
  )
}

/** Sends calls against mixed faults, and checks that each ends once, typed, and leaves nothing behind. */
export async function storm({ calls, concurrent, rules, guarded, client, close }: Storm): Promise<void> {
  const middleware = faults(rules, { seed: 11 }).middleware()
  const server = createServer((request, response) => {
    middleware(request, response, () => response.end(request.url === '/large' ? LARGE : 'small'))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const unhandled: unknown[] = []
  const noteUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', noteUnhandled)
  const send = client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const unaborted = new AbortController()
  const random = seededRandom(5)
  const outcomes = new Map<string, number>()
  const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

  const callOnce = async (index: number): Promise<void> => {
    const impatient = new AbortController()
    const aborts = random() < 0.1
    if (aborts) setTimeout(() => impatient.abort('impatient'), random() * 50)
    const { signal } = aborts ? impatient : unaborted
    const path = random() < 0.4 ? '/large' : '/small'
    const length = path === '/large' ? LARGE.length : 5
    try {
      await send({ index, path, length, method: random() < 0.2 ? 'POST' : 'GET', signal, random })
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
    while (next < calls) {
      next += 1
      await callOnce(next)
    }
  }
  await Promise.all(Array.from({ length: concurrent }, worker))

  // The permit of a cancelled or unread body is released later.
  const permits = () => guarded.status().policies[2] as unknown as { inUse: number; queued: number }
  await expect.poll(permits, { timeout: 5_000 }).toMatchObject({ inUse: 0, queued: 0 })
  await new Promise(setImmediate)
  expect([...outcomes.values()].reduce((sum, each) => sum + each)).toBe(calls)
  for (const outcome of ['answer', 'impatient', 'UPSTREAM_ERROR', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT']) {
    expect(outcomes.get(outcome)).toBeGreaterThan(0)
  }
  expect(getEventListeners(unaborted.signal, 'abort')).toHaveLength(0)
  if (close !== undefined) {
    // No response is half read: the client can close without waiting for one, and then no connection is left.
    await close()
    await expect.poll(() => connectionsOf(server), { timeout: 5_000 }).toBe(0)
  }
  process.off('unhandledRejection', noteUnhandled)
  expect(unhandled).toEqual([])
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
}

async function connectionsOf(server: Server): Promise<number> {
  return await new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}
