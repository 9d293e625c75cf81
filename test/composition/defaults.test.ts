import {
  adaptiveThrottle,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  hedge,
  isRefusal,
  retry,
  shield,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test } from 'vitest'

// The defaults of the options.

const DOWN = new Error('down')

test('adaptiveThrottle: K = 2 over 2 minutes', async () => {
  const clock = virtualClock()
  let chance = 0
  const s = shield({ name: 's', clock, random: () => chance }, adaptiveThrottle())
  const status = (): unknown => s.status().policies[0]
  // With half of the calls accepted, the throttle refuses none, for any random number.
  for (let call = 0; call < 50; call += 1) {
    await s.run(() => 'accepted')
    await s.run(() => Promise.reject(DOWN)).catch((error) => expect(error).toBe(DOWN))
  }
  expect(status()).toMatchObject({ requests: 100, accepts: 50, rejectionProbability: 0 })
  // One more that fails: p = (101 - 2 · 50) / 102.
  await s.run(() => Promise.reject(DOWN)).catch((error) => expect(error).toBe(DOWN))
  expect(status()).toMatchObject({ rejectionProbability: 1 / 102 })
  expect(isRefusal(await s.run(() => 'refused').catch((error) => error))).toBe(true)
  chance = 0.5
  expect(await s.run(() => 'accepted')).toBe('accepted')
  await clock.advance('1m')
  expect(status()).toMatchObject({ requests: 103, accepts: 51 })
  await clock.advance('1m')
  expect(status()).toMatchObject({ requests: 0, accepts: 0 })
})

const business = Object.assign(new Error('no'), {
  [Symbol.for('escudo.error')]: { code: 'NO', status: 409, kind: 'business' },
})

describe('the default classification of retry, hedge, breaker and throttle', () => {
  /** How often the operation was called, and what the policies counted. */
  const count = async (operation: () => unknown, abort = false): Promise<unknown> => {
    const clock = virtualClock()
    const controller = new AbortController()
    let calls = 0
    const s = shield(
      { name: 's', clock, random: () => 0.9 },
      retry({ maxRetries: 1, backoff: constant(5) }),
      hedge({ after: '1h' }),
      adaptiveThrottle(),
      circuitBreaker({ trip: consecutive(100) }),
      bulkhead({ limit: 5 }),
    )
    const call = s
      .run(
        () => {
          calls += 1
          return operation()
        },
        { signal: controller.signal },
      )
      .catch(() => {})
    if (abort) controller.abort()
    await clock.advance('1m')
    await call
    const [{ exhausted }, { hedges }, { requests, accepts }, { failures }] = s.status().policies as unknown as [
      { readonly exhausted: number },
      { readonly hedges: number },
      { readonly requests: number; readonly accepts: number },
      { readonly failures: number },
    ]
    return { calls, exhausted, hedges, refusedByIt: requests - accepts, failures }
  }

  test('a thrown error is a failure: retried, hedged and counted', async () => {
    const failed = { calls: 4, exhausted: 1, hedges: 2, refusedByIt: 4, failures: 4 }
    expect(await count(() => Promise.reject(DOWN))).toEqual(failed)
    expect(
      await count(() => {
        throw undefined
      }),
    ).toEqual(failed)
  })

  test("a business error and the caller's abort are ignored: not retried, hedged or counted", async () => {
    const ignored = { calls: 1, exhausted: 0, hedges: 0, refusedByIt: 0, failures: 0 }
    expect(await count(() => Promise.reject(business))).toEqual(ignored)
    expect(await count(() => new Promise(() => {}), true)).toEqual(ignored)
  })
})
