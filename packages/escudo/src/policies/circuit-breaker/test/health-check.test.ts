import { AsyncResource } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { type Call, circuitBreaker, coalesce, consecutive, currentCall, shield } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, gate, never, setUp } from './setup.ts'

/** A breaker with a health check every 2 s, and the calls that the health check received. */
function withHealthCheck(operation: (call: Call) => unknown, more: Parameters<typeof setUp>[0] = {}) {
  const checks: Call[] = []
  const probe = {
    every: '2s',
    operation: (call: Call) => {
      checks.push(call)
      return operation(call)
    },
  } as const
  return { ...setUp({ probe, ...more }), checks }
}

describe('a health check', () => {
  test('closes an open circuit at its first success, and no timer remains', async () => {
    let healthy = false
    const { clock, breaker, times, checks, changes } = withHealthCheck(() => (healthy ? 'ok' : fail()))
    await times(1, fail)
    await clock.advance('5s')
    expect([breaker.state, checks.length]).toEqual(['open', 2])
    healthy = true
    await clock.advance('1s')
    const closing = { from: 'open', to: 'closed', reason: 'the health check succeeded', at: 6_000 }
    expect(changes.at(-1)).toEqual({ ...closing, failures: 0, calls: 0 })
    await clock.advance('1h')
    expect([checks.length, clock.pending]).toEqual([3, 0])
  })

  test('closes a half-open circuit without waiting for the probes', async () => {
    let healthy = false
    const { clock, breaker, s, times, changes } = withHealthCheck(() => (healthy ? 'ok' : fail()), { openFor: '3s' })
    await times(1, fail)
    await clock.advance('3s')
    void s.run(never)
    healthy = true
    await clock.advance('1s')
    expect(changes.at(-1)).toMatchObject({ from: 'half-open', to: 'closed' })
    expect(await s.run(() => 1)).toBe(1)
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('receives its own call with a signal, a deadline, an attempt and the key', async () => {
    const seen: unknown[] = []
    const { clock, times } = withHealthCheck(
      (call) => {
        seen.push([
          call.signal.aborted,
          call.deadline,
          call.attempt,
          call.key,
          call.clock === clock,
          currentCall() === call,
        ])
        return fail()
      },
      { perKey: {} },
    )
    await times(1, fail, { key: 'tenant' })
    await clock.advance('2s')
    expect(seen).toEqual([[false, 4_000, 1, 'tenant', true, true]])
  })

  test('is cancelled when the next one is due; a later result is ignored', async () => {
    const gates = [gate(), gate(), gate()]
    const { clock, breaker, times, checks } = withHealthCheck(() => gates[checks.length - 1]?.promise)
    await times(1, fail)
    await clock.advance('4s')
    expect(checks.map(({ signal }) => signal.aborted)).toEqual([true, false])
    gates[0]?.resolve('late')
    await clock.advance(0)
    expect(breaker.state).toBe('open')
    gates[1]?.resolve('in time')
    await clock.advance(0)
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('has a signal that is not aborted once the check has finished', async () => {
    let healthy = false
    const { clock, times, checks } = withHealthCheck(() => (healthy ? 'ok' : fail()))
    await times(1, fail)
    const signals: AbortSignal[] = []
    await clock.advance('2s')
    signals.push((checks[0] as Call).signal)
    healthy = true
    await clock.advance('2s')
    signals.push((checks[1] as Call).signal)
    await clock.advance('10s')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })

  test.each<[string, () => unknown]>([
    [
      'throws at once',
      () => {
        throw new Error('at once')
      },
    ],
    [
      'throws undefined',
      () => {
        throw undefined
      },
    ],
    ['rejects', fail],
    ['returns a thenable that rejects', () => ({ then: (_: unknown, reject: (e: unknown) => void) => reject('no') })],
  ])('that %s changes nothing and causes no unhandled rejection', async (_what, operation) => {
    const unhandled: unknown[] = []
    const record = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', record)
    try {
      const { clock, breaker, times, checks } = withHealthCheck(operation)
      await times(1, fail)
      await clock.advance('9s')
      await new Promise((resolve) => setImmediate(resolve))
      expect([breaker.state, checks.length, unhandled]).toEqual(['open', 4, []])
      breaker.reset()
    } finally {
      process.off('unhandledRejection', record)
    }
  })

  test('that rejects after its cancellation causes no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const record = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', record)
    const late = gate()
    const { clock, breaker, times } = withHealthCheck(() => late.promise)
    await times(1, fail)
    await clock.advance('2s')
    breaker.reset()
    late.reject(new Error('too late'))
    await clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', record)
    expect(unhandled).toEqual([])
  })

  test.each(['reset', 'isolate', 'disable'] as const)(
    'is cancelled by %s, and its result changes nothing',
    async (action) => {
      const check = gate()
      const { clock, breaker, times, checks, changes } = withHealthCheck(() => check.promise)
      await times(1, fail)
      await clock.advance('2s')
      breaker[action]()
      expect(checks[0]?.signal.aborted).toBe(true)
      check.resolve('healthy')
      await clock.advance('1h')
      expect([checks.length, changes.length, clock.pending]).toEqual([1, 2, 0])
    },
  )

  test('stops when a probe succeeds, and starts again at the next opening', async () => {
    const { clock, times, checks } = withHealthCheck(fail)
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    expect([checks.length, clock.pending]).toEqual([5, 0])
    await times(1, fail)
    await clock.advance('1999ms')
    expect(checks.length).toBe(5)
    await clock.advance('1ms')
    expect(checks.length).toBe(6)
  })

  test('has no effect if it started in an earlier open period', async () => {
    const check = gate()
    const { clock, breaker, times, checks } = withHealthCheck(() => check.promise, { openFor: '3s' })
    await times(1, fail)
    await clock.advance('3s')
    // The probe fails, so a new open period starts.
    await times(1, fail)
    expect(checks.length).toBe(1)
    check.resolve('healthy')
    await clock.advance(0)
    expect(breaker.state).toBe('open')
  })

  test('stops permanently if a listener on its signal resets the breaker', async () => {
    const { clock, breaker, times, checks } = withHealthCheck((call) => {
      call.signal.addEventListener('abort', () => breaker.reset())
      return never()
    })
    await times(1, fail)
    await clock.advance('1h')
    expect([breaker.state, checks.length, clock.pending]).toEqual(['closed', 1, 0])
    await times(1, fail)
    await clock.advance('3s')
    // One more check, not two: the old health check has ended.
    expect(checks.length).toBe(2)
  })

  test('may act on the breaker itself', async () => {
    const { clock, breaker, times, checks } = withHealthCheck(() => breaker.isolate())
    await times(1, fail)
    await clock.advance('1h')
    expect([breaker.state, checks.length, clock.pending]).toEqual(['isolated', 1, 0])
  })

  test('starts the ramp when it closes the circuit', async () => {
    const { clock, times, status } = withHealthCheck(() => 'ok', { ramp: { steps: [0.5], each: '1s' } })
    await times(1, fail)
    await clock.advance('2s')
    expect(status()).toMatchObject({ state: 'closed', admitting: 0.5 })
  })

  test('belongs to no call, not even to the coalesced call in which the circuit opened', async () => {
    const virtual = virtualClock()
    // Like the timers of a runtime: the callback runs in the async context in which the timer was set.
    const clock: VirtualClock = Object.create(virtual, {
      setTimer: { value: (fire: () => void, ms: number) => virtual.setTimer(AsyncResource.bind(fire), ms) },
    })
    const users = shield({ name: 'users', clock }, coalesce())
    const errors: unknown[] = []
    const breaker = circuitBreaker({
      trip: consecutive(1),
      openFor: '1h',
      probe: {
        every: '1s',
        operation: () =>
          users
            .run(() => 'ok', { key: 'k' })
            .catch((error) => {
              errors.push(error)
              throw error
            }),
      },
    })
    const s = shield({ name: 's', clock }, breaker)
    const end = gate()
    const flight = users.run(
      async () => {
        await s.run(fail).catch(() => {})
        return await end.promise
      },
      { key: 'k' },
    )
    await clock.advance('1s')
    end.resolve('ok')
    await flight
    await clock.advance(0)
    expect([errors, breaker.state]).toEqual([[], 'closed'])
  })

  test('runs once for a breaker in two shields', async () => {
    const clock = virtualClock()
    let checks = 0
    const breaker = circuitBreaker({
      trip: consecutive(1),
      openFor: '1h',
      probe: {
        every: '1s',
        operation: () => {
          checks += 1
          return fail()
        },
      },
    })
    const [first, second] = [shield({ name: 'first', clock }, breaker), shield({ name: 'second', clock }, breaker)]
    await Promise.allSettled([first.run(fail), second.run(fail)])
    await clock.advance('5s')
    expect(checks).toBe(5)
  })
})
