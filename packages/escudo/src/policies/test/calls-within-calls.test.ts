import { describe, expect, test, vi } from 'vitest'
import { adaptiveLimiter, type BulkheadFullError, rateLimiter, shield } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

describe('a call inside a call of the same shield', () => {
  test.each(['tokenBucket', 'slidingWindow'] as const)(
    'waits for a later permit of a rate limiter (%s)',
    async (algorithm) => {
      const clock = virtualClock()
      const options = algorithm === 'tokenBucket' ? { burst: 1 } : {}
      const s = shield(
        { name: 's', clock },
        rateLimiter({ limit: 1, per: '1s', maxWait: '10s', algorithm, ...options }),
      )
      const dive = (depth: number): Promise<number> =>
        s.run(async () => (depth === 0 ? clock.now() : await dive(depth - 1)))
      const calls = Promise.all([dive(3), dive(2)])
      await clock.advance('20s')
      // Seven calls, one a second: each of them pays.
      expect((await calls).toSorted()).toEqual([5_000, 6_000])
    },
  )

  test('is rejected by a rate limiter without maxWait, and by a full adaptive limiter', async () => {
    const clock = virtualClock()
    const limited = shield({ name: 's', clock }, rateLimiter({ limit: 1, per: '1s' }))
    await expect(limited.run(() => limited.run(() => 1))).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    const adaptive = shield({ name: 's', clock }, adaptiveLimiter({ max: 1 }))
    await expect(adaptive.run(() => adaptive.run(() => 1))).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(adaptive.status().policies[0]).toMatchObject({ inFlight: 0 })
  })
})

test('without AsyncLocalStorage a call inside a probe is refused, and one inside a bulkhead waits', async () => {
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined })
  vi.resetModules()
  try {
    const { bulkhead, circuitBreaker, consecutive, shield } = await import('../../index.ts')
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const broken = shield({ name: 'broken', clock }, breaker)
    await broken.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance('10s')
    await expect(broken.run(() => broken.run(() => 1))).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect([await broken.run(() => 1), breaker.state]).toEqual([1, 'closed'])

    const full = shield({ name: 'full', clock }, bulkhead({ limit: 1, queue: 1, maxWait: '1s' }))
    const inner = full.run(() => full.run(() => 1)).catch((error: BulkheadFullError) => error.message)
    await clock.advance('1s')
    expect(await inner).toMatch(/waited longer than 1000 ms/)
  } finally {
    vi.unstubAllGlobals()
    vi.resetModules()
  }
})
