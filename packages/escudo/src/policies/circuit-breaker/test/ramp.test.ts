import { describe, expect, test } from 'vitest'
import { circuitBreaker, consecutive, constant, explain, failureRate, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, setUp } from './setup.ts'

const RAMP = { steps: [0.05, 0.25, 0.5], each: '10s' } as const

/** Mulberry32: the same random numbers in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function ramping(random: () => number = seeded(1), options: Parameters<typeof setUp>[0] = {}) {
  const made = setUp({ ramp: RAMP, ...options }, random)
  await made.times(1, fail)
  await made.clock.advance('10s')
  await made.times(1, () => 1)
  return made
}

describe('a ramp of 5, 25, 50 and 100 % of the traffic', () => {
  test('admits the share of each step; the state is closed and the status shows the share', async () => {
    const { clock, s, status } = await ramping()
    for (const share of [0.05, 0.25, 0.5]) {
      expect(status()).toMatchObject({ state: 'closed', admitting: share, retryAfterMs: 10_000 })
      const results = await Promise.allSettled(Array.from({ length: 20_000 }, () => s.run(() => 1)))
      const admitted = results.filter(({ status }) => status === 'fulfilled').length / 20_000
      // A tolerance of just over four standard deviations.
      expect(Math.abs(admitted - share)).toBeLessThan(0.015)
      await clock.advance('10s')
    }
    const results = await Promise.allSettled(Array.from({ length: 1_000 }, () => s.run(() => 1)))
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(Object.keys(status())).not.toContain('admitting')
    expect(Object.keys(status())).not.toContain('retryAfterMs')
  })

  test('advances by time, without a call, and the status shows it', async () => {
    const { clock, status } = await ramping()
    await clock.advance('25s')
    expect(status()).toMatchObject({ admitting: 0.5, retryAfterMs: 5_000 })
    await clock.advance('5s')
    expect(status()).toEqual({ name: 'circuitBreaker', type: 'circuitBreaker', state: 'closed', failures: 0, calls: 0 })
  })

  test('rejects other calls with CircuitOpenError and the time until the next step', async () => {
    const { clock, s, errorOf } = await ramping(() => 0.99)
    const rejected: unknown[] = []
    s.on('rejected', ({ code, retryAfterMs }) => rejected.push([code, retryAfterMs]))
    await clock.advance('4s')
    const refusal = await errorOf(() => expect.fail('called'))
    expect(refusal).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 6_000 })
    expect(refusal['message']).not.toContain('is open')
    expect(rejected).toEqual([['CIRCUIT_OPEN', 6_000]])
    // The state is closed, and `admitting` shows the share.
    expect(explain(refusal)).toMatchObject({
      policies: [{ type: 'circuitBreaker', state: 'closed', admitting: 0.05, retryAfterMs: 6_000 }],
      retryAt: 20_000,
    })
  })

  test('admits a random number just below the share, but not one equal to it', async () => {
    for (const [random, admitted] of [
      [0.0499, true],
      [0.05, false],
    ] as const) {
      const { s } = await ramping(() => random)
      expect(await s.run(() => 1).then(Boolean, () => false)).toBe(admitted)
    }
  })

  test('a trip during the ramp opens the circuit again, and the next ramp starts at its first step', async () => {
    const { clock, times, status, changes } = await ramping(() => 0)
    await clock.advance('25s')
    expect(status()).toMatchObject({ admitting: 0.5 })
    await times(1, fail)
    expect(status()).toMatchObject({ state: 'open' })
    expect(Object.keys(status())).not.toContain('admitting')
    await clock.advance('10s')
    await times(1, () => 1)
    expect(status()).toMatchObject({ state: 'closed', admitting: 0.05 })
    expect(changes.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed', 'open', 'half-open', 'closed'])
    expect(clock.pending).toBe(0)
  })

  test('counts only admitted calls', async () => {
    const random = seeded(7)
    const { s, status } = await ramping(random, { trip: failureRate({ minimumCalls: 1, threshold: 1 }) })
    const results = await Promise.allSettled(Array.from({ length: 1_000 }, () => s.run(() => 1)))
    expect(status()).toMatchObject({ calls: results.filter(({ status }) => status === 'fulfilled').length })
  })

  test('ends at reset(): all traffic returns immediately', async () => {
    const { breaker, s, status } = await ramping(() => 0.99)
    breaker.reset()
    expect(await s.run(() => 1)).toBe(1)
    expect(Object.keys(status())).not.toContain('admitting')
  })

  test('a retry outside the breaker succeeds if its delay reaches the end of the ramp', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s', ramp: { steps: [0.5], each: '2s' } })
    const s = shield(
      { name: 's', clock, random: () => 0.9 },
      retry({ maxRetries: 1, backoff: constant('3s') }),
      breaker,
    )
    const failing = s.run(fail).catch(() => {})
    await clock.advance('3s')
    await failing
    await clock.advance('1s')
    const probe = s.run(() => 'probe')
    await clock.advance(0)
    expect(await probe).toBe('probe')
    const retried = s.run(() => 'after the ramp')
    await clock.advance('3s')
    expect(await retried).toBe('after the ramp')
  })

  test('uses the random source of the shield that runs the call', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ramp: RAMP })
    const lucky = shield({ name: 'lucky', clock, random: () => 0 }, breaker)
    const unlucky = shield({ name: 'unlucky', clock, random: () => 0.9 }, breaker)
    await lucky.run(fail).catch(() => {})
    await clock.advance('10s')
    await unlucky.run(() => 1)
    expect(await lucky.run(() => 1)).toBe(1)
    await expect(unlucky.run(() => 1)).rejects.toMatchObject({ shield: 'unlucky' })
  })
})
