import { AsyncResource } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { type Call, circuitBreaker, coalesce, consecutive, currentCall, shield } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'
import { bench, fail, gate, never } from './setup.ts'

/** A bench whose health check is asked every 2 s, with the calls that it got. */
function checked(operation: (call: Call) => unknown, more: Parameters<typeof bench>[0] = {}) {
  const asked: Call[] = []
  const probe = {
    every: '2s',
    operation: (call: Call) => {
      asked.push(call)
      return operation(call)
    },
  } as const
  return { ...bench({ probe, ...more }), asked }
}

describe('optional active probe: a health check that closes early', () => {
  test('while open: its first success closes, and nothing is left behind', async () => {
    let healthy = false
    const { clock, breaker, times, asked, changes } = checked(() => (healthy ? 'ok' : fail()))
    await times(1, fail)
    await clock.advance('5s')
    expect([breaker.state, asked.length]).toEqual(['open', 2])
    healthy = true
    await clock.advance('1s')
    expect(changes.at(-1)).toEqual({ from: 'open', to: 'closed', reason: 'the health check succeeded', at: 6_000 })
    await clock.advance('1h')
    expect([asked.length, clock.pending]).toEqual([3, 0])
  })

  test('while half-open: without waiting for the probes', async () => {
    let healthy = false
    const { clock, breaker, s, times, changes } = checked(() => (healthy ? 'ok' : fail()), { openFor: '3s' })
    await times(1, fail)
    await clock.advance('3s')
    void s.run(never)
    healthy = true
    await clock.advance('1s')
    expect(changes.at(-1)).toMatchObject({ from: 'half-open', to: 'closed' })
    expect(await s.run(() => 1)).toBe(1)
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('is given its own call: a signal, a deadline, an attempt, and the key', async () => {
    const seen: unknown[] = []
    const { clock, times } = checked(
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

  test('never two at once: a deaf check is cut when the next is due, and answers too late', async () => {
    const answers = [gate(), gate(), gate()]
    const { clock, breaker, times, asked } = checked(() => answers[asked.length - 1]?.promise)
    await times(1, fail)
    await clock.advance('4s')
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
    answers[0]?.resolve('late')
    await clock.advance(0)
    expect(breaker.state).toBe('open')
    answers[1]?.resolve('in time')
    await clock.advance(0)
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('what has come to its end is not aborted any more, neither by the next one nor by the closing', async () => {
    let healthy = false
    const { clock, times, asked } = checked(() => (healthy ? 'ok' : fail()))
    await times(1, fail)
    const signals: AbortSignal[] = []
    await clock.advance('2s')
    signals.push((asked[0] as Call).signal)
    healthy = true
    await clock.advance('2s')
    signals.push((asked[1] as Call).signal)
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
  ])('a check that %s changes nothing, and is no unhandled rejection', async (_what, operation) => {
    const unhandled: unknown[] = []
    const hear = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', hear)
    try {
      const { clock, breaker, times, asked } = checked(operation)
      await times(1, fail)
      await clock.advance('9s')
      await new Promise((resolve) => setImmediate(resolve))
      expect([breaker.state, asked.length, unhandled]).toEqual(['open', 4, []])
      breaker.reset()
    } finally {
      process.off('unhandledRejection', hear)
    }
  })

  test('a check that rejects after it was cut is no unhandled rejection either', async () => {
    const unhandled: unknown[] = []
    const hear = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const late = gate()
    const { clock, breaker, times } = checked(() => late.promise)
    await times(1, fail)
    await clock.advance('2s')
    breaker.reset()
    late.reject(new Error('too late'))
    await clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', hear)
    expect(unhandled).toEqual([])
  })

  test.each(['reset', 'isolate', 'disable'] as const)(
    '%s stops it: it is cut, and its answer changes nothing',
    async (what) => {
      const answer = gate()
      const { clock, breaker, times, asked, changes } = checked(() => answer.promise)
      await times(1, fail)
      await clock.advance('2s')
      breaker[what]()
      expect(asked[0]?.signal.aborted).toBe(true)
      answer.resolve('healthy')
      await clock.advance('1h')
      expect([asked.length, changes.length, clock.pending]).toEqual([1, 2, 0])
    },
  )

  test('stops at the success of a probe, and begins anew at the next opening', async () => {
    const { clock, times, asked } = checked(fail)
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    expect([asked.length, clock.pending]).toEqual([5, 0])
    await times(1, fail)
    await clock.advance('1999ms')
    expect(asked.length).toBe(5)
    await clock.advance('1ms')
    expect(asked.length).toBe(6)
  })

  test('an answer to what was asked in an earlier outage changes nothing', async () => {
    const answer = gate()
    const { clock, breaker, times, asked } = checked(() => answer.promise, { openFor: '3s' })
    await times(1, fail)
    await clock.advance('3s')
    // The probe fails: a new opening.
    await times(1, fail)
    expect(asked.length).toBe(1)
    answer.resolve('healthy')
    await clock.advance(0)
    expect(breaker.state).toBe('open')
  })

  test('whoever hears of the cut and resets the breaker ends the checks for good', async () => {
    const { clock, breaker, times, asked } = checked((call) => {
      call.signal.addEventListener('abort', () => breaker.reset())
      return never()
    })
    await times(1, fail)
    await clock.advance('1h')
    expect([breaker.state, asked.length, clock.pending]).toEqual(['closed', 1, 0])
    await times(1, fail)
    await clock.advance('3s')
    // One, and not two of two that live on.
    expect(asked.length).toBe(2)
  })

  test('may itself act on the breaker', async () => {
    const { clock, breaker, times, asked } = checked(() => breaker.isolate())
    await times(1, fail)
    await clock.advance('1h')
    expect([breaker.state, asked.length, clock.pending]).toEqual(['isolated', 1, 0])
  })

  test('closing begins the ramp, where there is one', async () => {
    const { clock, times, status } = checked(() => 'ok', { ramp: { steps: [0.5], each: '1s' } })
    await times(1, fail)
    await clock.advance('2s')
    expect(status()).toMatchObject({ state: 'closed', admitting: 0.5 })
  })

  test('belongs to no call: not to the flight in which the circuit opened', async () => {
    const virtual = virtualClock()
    // As the timers of a runtime do it: what they call runs in the context in which they were set.
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

  test('two shields of one breaker have one health check', async () => {
    const clock = virtualClock()
    let asked = 0
    const breaker = circuitBreaker({
      trip: consecutive(1),
      openFor: '1h',
      probe: {
        every: '1s',
        operation: () => {
          asked += 1
          return fail()
        },
      },
    })
    const [one, other] = [shield({ name: 'one', clock }, breaker), shield({ name: 'other', clock }, breaker)]
    await Promise.allSettled([one.run(fail), other.run(fail)])
    await clock.advance('5s')
    expect(asked).toBe(5)
  })
})
