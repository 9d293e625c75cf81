import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import type { HedgeOptions } from '../../policies/hedge/options.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { ResilientFetchOptions } from '../options.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve } from './setup.ts'

export interface Seen {
  readonly number: number
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Resolves when the response was sent or the client has disconnected. */
  readonly closed: Promise<void>
}

/** Waits for `count` requests, so that their order does not depend on the machine. */
export async function arrived(requests: readonly Seen[], count: number): Promise<void> {
  await vi.waitFor(() => expect(requests.length).toBeGreaterThanOrEqual(count), { timeout: 5_000, interval: 2 })
}

/** A server, and a client that hedges each request after 100 ms of virtual time. */
export async function setUp(
  respond: (seen: Seen) => void,
  options: Partial<HedgeOptions> = {},
  client: Partial<ResilientFetchOptions> = {},
) {
  const requests: Seen[] = []
  const baseUrl = await serve((request, response) => {
    const closed = new Promise<void>((resolve) => void response.on('close', resolve))
    const seen = { number: requests.length + 1, request, response, closed }
    requests.push(seen)
    respond(seen)
  })
  const clock = virtualClock()
  const guarded = shield(
    { name: 'x', clock },
    hedge({ after: 100, ...options }),
    circuitBreaker({ trip: consecutive(1) }),
    bulkhead({ limit: 3 }),
    timeout('10s'),
  )
  const get = resilientFetch({ name: 'x', baseUrl, shield: guarded, ...client })
  const state = () => {
    const [{ calls, hedges, wins }, { state: breaker, failures }, { inUse }] = guarded.status().policies as unknown as [
      { calls: number; hedges: number; wins: number },
      { state: string; failures: number },
      { inUse: number },
    ]
    return { calls, hedges, wins, breaker, failures, inUse }
  }
  return { clock, get, guarded, requests, state }
}
