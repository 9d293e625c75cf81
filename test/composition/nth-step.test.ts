import { getEventListeners } from 'node:events'
import { bulkhead, circuitBreaker, consecutive, constant, fallback, retry, shield, timeout } from 'escudo'
import { type VirtualClock, virtualClock } from 'escudo/testing'
import { describe, expect, test, vi } from 'vitest'

// Makes a fault at every possible step: at the Nth await, for every N.

const DOWN = new Error('down')

function setUp() {
  const clock = virtualClock()
  const s = shield(
    { name: 'nth', clock },
    fallback('fallback', { when: (error) => error === 'never' }),
    timeout('60s', { name: 'total' }),
    retry({ maxRetries: 2, backoff: constant(5) }),
    circuitBreaker({ trip: consecutive(1_000) }),
    bulkhead({ limit: 1, queue: 1 }),
    timeout('20s', { name: 'attempt' }),
  )
  return { clock, s }
}

/** An operation with several awaits, for microtasks and for a timer. Calls `step` before each. */
function operation(clock: VirtualClock, step: () => void) {
  return async ({ signal }: { readonly signal: AbortSignal }): Promise<string> => {
    step()
    await undefined
    step()
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.setTimer(resolve, 3)
      signal.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
    step()
    await Promise.resolve().then(() => undefined)
    step()
    return 'value'
  }
}

function expectNothingLeft({ clock, s }: ReturnType<typeof setUp>, signal?: AbortSignal): void {
  expect(s.status().policies[4]).toMatchObject({ inUse: 0, queued: 0 })
  expect(s.status().policies[3]).toMatchObject({ state: 'closed' })
  expect(clock.pending).toBe(0)
  if (signal !== undefined) expect(getEventListeners(signal, 'abort')).toEqual([])
}

const STEPS_OF_ONE_ATTEMPT = 4

describe('a failure at the Nth await', () => {
  test('of one attempt, for every N: the next attempt succeeds', async () => {
    for (let failAt = 1; failAt <= STEPS_OF_ONE_ATTEMPT; failAt += 1) {
      const set = setUp()
      let steps = 0
      const outcome = set.s.run(
        operation(set.clock, () => {
          steps += 1
          if (steps === failAt) throw DOWN
        }),
      )
      await set.clock.advance('1s')
      expect(await outcome).toBe('value')
      expect(steps).toBe(failAt + STEPS_OF_ONE_ATTEMPT)
      expectNothingLeft(set)
    }
  })

  test('and at every later one, for every N: rejects with the error after three attempts', async () => {
    for (let failAt = 1; failAt <= STEPS_OF_ONE_ATTEMPT; failAt += 1) {
      const set = setUp()
      let steps = 0
      const outcome = set.s
        .run(
          operation(set.clock, () => {
            steps += 1
            if (steps >= failAt) throw DOWN
          }),
        )
        .catch((error) => error)
      await set.clock.advance('1s')
      expect(await outcome).toBe(DOWN)
      expect(set.s.status().policies[2]).toMatchObject({ retries: 2 })
      expectNothingLeft(set)
    }
  })
})

describe('an abort at the Nth await', () => {
  test('by the operation itself, in every attempt, for every N', async () => {
    for (let abortAt = 1; abortAt <= 3 * STEPS_OF_ONE_ATTEMPT; abortAt += 1) {
      const set = setUp()
      const controller = new AbortController()
      let steps = 0
      const outcome = set.s
        .run(
          operation(set.clock, () => {
            steps += 1
            if (steps === abortAt) controller.abort('gone')
            // Two attempts fail at their last step, so that there is a third one.
            if (steps % STEPS_OF_ONE_ATTEMPT === 0 && steps < 3 * STEPS_OF_ONE_ATTEMPT) throw DOWN
          }),
          { signal: controller.signal },
        )
        .catch((error) => error)
      await set.clock.advance('1s')
      expect(await outcome).toBe('gone')
      // The operation may finish its current attempt; it is not called again.
      expect(Math.ceil(steps / STEPS_OF_ONE_ATTEMPT)).toBe(Math.ceil(abortAt / STEPS_OF_ONE_ATTEMPT))
      expectNothingLeft(set, controller.signal)
    }
  })

  test('from outside, at the Nth microtask or millisecond of two queued calls, for every N', async () => {
    const outcomes = new Set<unknown>()
    let n = 0
    for (let ended = false; !ended; n += 1) {
      const set = setUp()
      const controller = new AbortController()
      let [aborted, calledAfter] = [false, 0]
      const first = { attempts: 0 }
      const run = (attempts: { attempts: number }) =>
        set.s
          .run(
            async (call) => {
              if (aborted) calledAfter += 1
              attempts.attempts += 1
              await operation(set.clock, () => {})(call)
              if (attempts.attempts < 2) throw DOWN
              return 'value'
            },
            { signal: controller.signal, deadline: '30s' },
          )
          .catch((error) => error)
      let settled = 0
      const calls = [run(first), run({ attempts: 0 })]
      for (const call of calls) void call.then(() => (settled += 1))
      for (let step = 0; step < n; step += 1) {
        // Most steps are microtasks; every fortieth advances the clock.
        if (step % 40 === 39) await set.clock.advance(1)
        else await undefined
      }
      ended = settled === 2
      controller.abort('gone')
      aborted = true
      await set.clock.advance('1s')
      for (const outcome of await Promise.all(calls)) outcomes.add(outcome)
      expect(calledAfter).toBe(0)
      expectNothingLeft(set, controller.signal)
      expect(n).toBeLessThan(5_000)
    }
    expect([...outcomes].sort()).toEqual(['gone', 'value'])
    expect(n).toBeGreaterThan(100)
  })
})

test('a listener that throws at the Nth event, for every N, changes nothing', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const names = ['stateChange', 'retry', 'timeout', 'rejected', 'fallback', 'late'] as const
  const play = async (throwAt: number): Promise<{ readonly events: number; readonly trace: unknown[] }> => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s' })
    const s = shield(
      { name: 'nth', clock },
      fallback('fallback'),
      timeout('60s'),
      retry({ maxRetries: 1, backoff: constant(5) }),
      breaker,
      bulkhead({ limit: 1 }),
      timeout('1s', { name: 'attempt' }),
    )
    let events = 0
    const listener = (): void => {
      events += 1
      if (events === throwAt) throw new Error('a listener is broken')
    }
    for (const name of names) s.on(name, listener)
    breaker.on('stateChange', listener)
    const trace: unknown[] = []
    const run = async (act: () => unknown, advance: '0ms' | '3s' | '10s'): Promise<void> => {
      const call = s.run(act)
      await clock.advance(advance)
      trace.push(await call, breaker.state, clock.now(), s.status())
    }
    await run(() => 'value', '0ms')
    await run(() => new Promise(() => {}), '3s')
    await run(() => 'refused', '0ms')
    await run(() => Promise.reject(DOWN), '10s')
    await run(() => 'back', '10s')
    trace.push(clock.pending)
    return { events, trace }
  }
  const undisturbed = await play(0)
  expect(undisturbed.events).toBeGreaterThan(8)
  for (let throwAt = 1; throwAt <= undisturbed.events; throwAt += 1) {
    expect(await play(throwAt)).toEqual(undisturbed)
  }
  warnings.mockRestore()
})

test('if the Nth of several listeners throws, all others receive every event, for every N', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  for (let broken = 0; broken < 5; broken += 1) {
    const { clock, s } = setUp()
    const received = [0, 0, 0, 0, 0]
    received.forEach((_, index) => {
      s.on('retry', () => {
        received[index] = (received[index] as number) + 1
        if (index === broken) throw DOWN
      })
    })
    const call = s.run(() => Promise.reject(DOWN)).catch(() => {})
    await clock.advance('1s')
    await call
    expect(received).toEqual([2, 2, 2, 2, 2])
  }
  expect(warnings).toHaveBeenCalledTimes(5)
  warnings.mockRestore()
})
