import { describe, expect, test } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  fallback,
  hedge,
  isRefusal,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

// A probe that waits inside its breaker does not begin after its lease has ended: the circuit may be open again.

const custom = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

/** A shield with a half-open breaker, around policies whose only permit another call holds for 5 s. */
async function halfOpen(clock: VirtualClock, leaseMs: number, inside: AnyPolicy[], around: AnyPolicy[] = []) {
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: 1_000, halfOpen: { lease: leaseMs } })
  const policies = [...around, breaker, ...inside]
  const s = shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield
  // Another shield of the same breaker: policies inside may replace the failure or repeat the call.
  await shield({ name: 'other', clock }, breaker)
    .run(() => Promise.reject(new Error('down')))
    .catch(() => {})
  await clock.advance(1_000)
  return { breaker, s }
}

describe('a probe that waits inside its breaker', () => {
  test.each<[string, AnyPolicy[]]>([
    ['directly', []],
    ['within a custom policy', [custom()]],
  ])('is rejected if its lease ends before the operation begins: %s', async (_what, between) => {
    const clock = virtualClock()
    const permits = bulkhead({ limit: 1, queue: 5 })
    const { breaker, s } = await halfOpen(clock, 2_000, [...between, permits])
    let end = (): void => {}
    const holder = shield({ name: 'other', clock }, permits).run(() => new Promise<void>((resolve) => (end = resolve)))
    let begun = false
    const probe = s.run(() => (begun = true)).catch((error) => error)
    await clock.advance(2_500)
    expect(breaker.state).toBe('open')
    end()
    await holder
    const error = await probe
    expect([begun, isRefusal(error), error.code, error.retryAfterMs]).toEqual([false, true, 'CIRCUIT_OPEN', 500])
    expect(permits.status?.(0)).toMatchObject({ inUse: 0, queued: 0 })
    expect(s.status().policies[0]).toMatchObject({ state: 'open' })
    await clock.advance(500)
    expect([await s.run(() => 'ok'), breaker.state]).toEqual(['ok', 'closed'])
  })

  test('begins if its lease has not ended, and decides', async () => {
    const clock = virtualClock()
    const limiter = rateLimiter({ limit: 1, per: 3_000, maxWait: '1h' })
    const { breaker, s } = await halfOpen(clock, 5_000, [limiter])
    const probe = s.run(() => 'ok')
    await clock.advance(3_000)
    expect([await probe, breaker.state]).toEqual(['ok', 'closed'])
  })
})

describe('a probe whose operation has begun', () => {
  test.each<[string, AnyPolicy[]]>([
    ['without other policies', []],
    ['with a timeout and a custom policy around it', [timeout('1h'), custom()]],
  ])('goes on after its lease: %s', async (_what, around) => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [custom()], around)
    let signal: AbortSignal | undefined
    const probe = s.run((call) => {
      ;({ signal } = call)
      return new Promise((resolve) => clock.setTimer(() => resolve('ok'), 500))
    })
    await clock.advance(500)
    expect([await probe, signal?.aborted]).toEqual(['ok', false])
  })

  test('is cancelled with its call, and an outer bulkhead keeps the permit until it ends', async () => {
    for (const around of [[], [custom()]]) {
      const clock = virtualClock()
      const permits = bulkhead({ limit: 1 })
      const { s } = await halfOpen(clock, 60_000, [], [...around, permits, ...around])
      const controller = new AbortController()
      let signal: AbortSignal | undefined
      let end = (): void => {}
      const probe = s.run(
        (call) => {
          ;({ signal } = call)
          return new Promise<void>((resolve) => {
            end = resolve
          })
        },
        { signal: controller.signal },
      )
      await clock.advance(0)
      controller.abort('gone')
      await expect(probe).rejects.toBe('gone')
      await clock.advance(0)
      expect([signal?.reason, permits.status?.(0)['inUse']]).toEqual(['gone', 1])
      end()
      await clock.advance(0)
      expect(permits.status?.(0)['inUse']).toBe(0)
    }
  })
})

describe('inside a probe whose lease has ended', () => {
  const after = (clock: VirtualClock, ms: number, error?: Error): Promise<string> =>
    new Promise((resolve, reject) => {
      clock.setTimer(() => (error === undefined ? resolve('ok') : reject(error)), ms)
    })

  test('a fallback replaces the failure of an operation that began in time', async () => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [fallback('substitute')])
    const probe = s.run(() => after(clock, 500, new Error('down')))
    await clock.advance(500)
    expect(await probe).toBe('substitute')
  })

  test('no hedge begins, and the attempts in flight go on', async () => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [hedge({ after: 200 })])
    let attempts = 0
    const probe = s.run(() => {
      attempts += 1
      return after(clock, 500)
    })
    await clock.advance(500)
    expect([await probe, attempts]).toEqual(['ok', 1])
  })

  test('a hedge that may not begin hides no failure of the attempts before it', async () => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [hedge({ after: 1_000 })])
    let attempts = 0
    const probe = s.run(() => {
      attempts += 1
      return after(clock, 500, new Error('down'))
    })
    const outcome = probe.catch((error) => error.message)
    await clock.advance(500)
    expect([await outcome, attempts]).toEqual(['down', 1])
  })

  test('no retry begins, and the refusal has the last failure as its cause', async () => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [retry({ maxRetries: 1, backoff: constant(200) })])
    const outcomes: unknown[] = []
    s.on('executed', ({ policyType, outcome }) => policyType === 'retry' && outcomes.push(outcome))
    let attempts = 0
    const down = new Error('down')
    const probe = s.run(() => {
      attempts += 1
      return Promise.reject(down)
    })
    const outcome = probe.catch((error) => error)
    await clock.advance(200)
    expect(await outcome).toMatchObject({ code: 'CIRCUIT_OPEN', cause: down })
    expect([attempts, outcomes]).toEqual([1, ['failed_without_retry']])
  })

  test('no retry of a call that rides on the probe begins', async () => {
    const clock = virtualClock()
    const { s } = await halfOpen(clock, 100, [retry({ maxRetries: 1, backoff: constant(200) })])
    let attempts = 0
    const inner = (): Promise<unknown> =>
      s.run(() => {
        attempts += 1
        return Promise.reject(new Error('down'))
      })
    const probe = s.run(() => inner().catch((error) => error))
    await clock.advance(200)
    expect(await probe).toMatchObject({ code: 'CIRCUIT_OPEN', cause: { message: 'down' } })
    expect(attempts).toBe(1)
  })

  test('everything begins if the breaker only observes', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({
      ...{ trip: consecutive(1), openFor: 1_000, halfOpen: { lease: 100 } },
      mode: 'observe',
    })
    const s = shield({ name: 's', clock }, breaker, rateLimiter({ limit: 1, per: 2_000, maxWait: '1h' }))
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance(1_000)
    const probe = s.run(() => 'ok')
    await clock.advance(1_000)
    expect(await probe).toBe('ok')
  })
})
