import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { UpstreamError } from '../upstream-error.ts'

/** Starts a server on a free port and returns its origin. The server closes at the end of the test. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return originOf(server.address() as AddressInfo)
}

/** Returns an origin on which no server listens. */
export async function closedOrigin(): Promise<string> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const origin = originOf(server.address() as AddressInfo)
  await new Promise((closed) => server.close(closed))
  return origin
}

function originOf({ port }: AddressInfo): string {
  return `http://127.0.0.1:${port}`
}

/** Waits 20 ms, enough for pending loopback traffic and promises to settle. */
export const settled = () => new Promise((resume) => setTimeout(resume, 20))

/** One retry after 1 ms. */
export const retryOnce = () => retry({ maxRetries: 1, backoff: constant(1) })

/** A shield with retry, circuit breaker, bulkhead and a timeout of 2 s, on a virtual clock. */
export function fullShield() {
  const clock = virtualClock()
  const guarded = shield(
    { name: 'x', clock },
    retry({ maxRetries: 3, backoff: constant('1s') }),
    circuitBreaker({ trip: consecutive(9) }),
    bulkhead({ limit: 1 }),
    timeout('2s'),
  )
  const state = () => {
    const [{ retries }, { failures, calls }, { inUse }] = guarded.status().policies as unknown as [
      { retries: number },
      { failures: number; calls: number },
      { inUse: number },
    ]
    return { retries, failures, calls, inUse }
  }
  return { clock, guarded, state }
}

/** A custom policy that gives up when the test says so, without a cancellation: its operation goes on. */
export function impatient() {
  let giveUp = (): void => {}
  const whenGivenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('gave up'))
  })
  const policy = definePolicy({
    name: 'impatient',
    wrap: (run) => async (call, operation) => await Promise.race([run(call, operation), whenGivenUp]),
  })
  return { policy, giveUp }
}

/** Returns what a promise rejects with. Fails the test if it fulfils. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.fail(`fulfilled with ${String(value)}`),
    (reason: unknown) => reason,
  )
}

/** Returns the {@link UpstreamError} that a promise rejects with. */
export async function upstreamErrorOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await rejectionOf(promise)
  expect(error).toBeInstanceOf(UpstreamError)
  return error as UpstreamError
}
