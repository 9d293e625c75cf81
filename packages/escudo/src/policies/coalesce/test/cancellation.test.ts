import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  type Call,
  circuitBreaker,
  coalesce,
  constant,
  definePolicy,
  type KeyedRunOptions,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, setUp } from './setup.ts'

describe('a caller that leaves a flight', () => {
  test('does not affect the others, even if it started the flight', async () => {
    for (const leaver of [0, 1, 2]) {
      const { flights, run, status, operation } = setUp()
      const controllers = [0, 1, 2].map(() => new AbortController())
      const outcomes = controllers.map(({ signal }) => run({ signal }))
      controllers[leaver]?.abort(new Error('gone'))
      expect([await outcomes[leaver], status(), flights[0]?.call.signal.aborted]).toEqual([
        'error: gone',
        [1, 2],
        false,
      ])
      flights[0]?.resolve('value')
      const expected = ['value', 'value', 'value']
      expected[leaver] = 'error: gone'
      expect([await Promise.all(outcomes), operation.mock.calls.length]).toEqual([expected, 1])
      for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toEqual([])
    }
  })

  test('settles immediately at its own abort, deadline or timeout', async () => {
    const clock = virtualClock()
    const flight = coalesce()
    const patient = shield({ name: 'patient', clock }, flight)
    const hasty = shield({ name: 'hasty', clock }, timeout('1s'), flight)
    const settled: unknown[] = []
    let resolve: (value: unknown) => void = () => {}
    const run = (s: typeof patient, name: string, more: Partial<KeyedRunOptions> = {}): Promise<unknown> =>
      s
        .run(() => new Promise<unknown>((end) => (resolve = end)), { key: 'k', ...more })
        .then(
          () => settled.push(`${name} value ${clock.now()}`),
          (error) => settled.push(`${name} ${error.code ?? error} ${clock.now()}`),
        )
    const controller = new AbortController()
    const all = [
      run(hasty, 'timeout'),
      run(patient, 'deadline', { deadline: '2s' }),
      run(patient, 'abort', { signal: controller.signal }),
      run(patient, 'patient'),
    ]
    clock.setTimer(() => controller.abort('gone'), 500)
    clock.setTimer(() => resolve('value'), 3_000)
    await clock.advance('3s')
    await Promise.all(all)
    expect(settled).toEqual([
      'abort gone 500',
      'timeout TIMEOUT 1000',
      'deadline DEADLINE_EXCEEDED 2000',
      'patient value 3000',
    ])
    expect(clock.pending).toBe(0)
  })

  test('aborts the signal with its reason if it is the last one', async () => {
    const { flights, run, status } = setUp()
    const [first, last] = [new AbortController(), new AbortController()]
    const outcomes = [run({ signal: first.signal }), run({ signal: last.signal })]
    first.abort(new Error('first'))
    const signal = flights[0]?.call.signal as AbortSignal
    expect(signal.aborted).toBe(false)
    last.abort(new Error('last'))
    expect([signal.aborted, signal.reason.message, status()]).toEqual([true, 'last', [0, 0]])
    expect(await Promise.all(outcomes)).toEqual(['error: first', 'error: last'])
    flights[0]?.reject(DOWN)
  })

  test('does not end a flight that a caller without signal and deadline waits for', async () => {
    const { flights, run } = setUp()
    const controller = new AbortController()
    const [leaves, stays] = [run({ signal: controller.signal }), run()]
    controller.abort(new Error('gone'))
    expect([await leaves, flights[0]?.call.signal.aborted]).toEqual(['error: gone', false])
    flights[0]?.resolve('value')
    expect(await stays).toBe('value')
  })

  test('ends the flight if it is the last: a new call starts another, late results are dropped', async () => {
    const { flights, run, operation, clock } = setUp()
    const controller = new AbortController()
    const abandoned = run({ signal: controller.signal })
    const newcomers: Promise<unknown>[] = []
    // Inside the abort itself: the earliest moment at which a caller can know.
    flights[0]?.call.signal.addEventListener('abort', () => newcomers.push(run()))
    controller.abort(new Error('gone'))
    newcomers.push(run())
    expect([await abandoned, operation.mock.calls.length]).toEqual(['error: gone', 2])
    flights[0]?.resolve('late')
    await clock.advance(0)
    newcomers.push(run())
    expect(operation).toHaveBeenCalledTimes(2)
    flights[1]?.resolve('new')
    expect(await Promise.all(newcomers)).toEqual(['new', 'new', 'new'])
  })

  test('releases its permit in an outer bulkhead immediately', async () => {
    const clock = virtualClock()
    const flight = coalesce()
    const hasty = shield({ name: 'hasty', clock }, timeout('1s'), bulkhead({ limit: 1 }), flight)
    void shield({ name: 'patient', clock }, flight).run(() => new Promise(() => {}), { key: 'k' })
    const outcome = hasty.run(() => 'never', { key: 'k' }).catch((error) => error.code)
    await clock.advance('1s')
    expect([await outcome, hasty.status().policies[1]]).toMatchObject(['TIMEOUT', { inUse: 0 }])
  })

  test('does not affect the next flight if its own has settled', async () => {
    const clock = virtualClock()
    const flights = coalesce()
    const retrying = shield({ name: 'retrying', clock }, retry({ backoff: constant('1s') }), flights)
    const plain = shield({ name: 'plain', clock }, flights)
    const controller = new AbortController()
    const retried = retrying
      .run(() => Promise.reject(DOWN), { key: 'k', signal: controller.signal })
      .catch((error) => error)
    await clock.advance(0)
    // Its caller waits for the next attempt; meanwhile another caller starts a flight.
    let call: Call | undefined
    let resolve: (value: string) => void = () => {}
    const next = plain.run(
      (received) => {
        call = received
        return new Promise<string>((end) => (resolve = end))
      },
      { key: 'k' },
    )
    controller.abort('gone')
    expect([await retried, call?.signal.aborted]).toEqual(['gone', false])
    const joined = plain.run(() => 'a second flight', { key: 'k' })
    resolve('value')
    expect([await next, await joined]).toEqual(['value', 'value'])
  })

  test('starts no flight if it aborts before its call reaches the policy', async () => {
    const clock = virtualClock()
    const slow = definePolicy({
      name: 'slow',
      wrap: (next) => async (call, operation) => {
        await undefined
        return await next(call, operation)
      },
    })
    const s = shield({ name: 's', clock }, slow, coalesce(), retry())
    const controller = new AbortController()
    const outcome = s.run(() => 'never', { key: 'k', signal: controller.signal }).catch((error) => error)
    controller.abort('gone')
    expect(await outcome).toBe('gone')
    await clock.advance(0)
    expect(s.status().policies).toMatchObject([{}, { flights: 0, joined: 0 }, { calls: 0 }])
  })

  test('leaves no unhandled rejection if the flight fails late', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { flights, run, clock } = setUp()
    const controller = new AbortController()
    const abandoned = run({ signal: controller.signal })
    controller.abort('gone')
    await abandoned
    flights[0]?.reject(DOWN)
    await clock.advance(0)
    expect(unhandled).not.toHaveBeenCalled()
    process.off('unhandledRejection', unhandled)
  })

  test('starts no flight if its signal is already aborted', async () => {
    const { run, operation, status } = setUp()
    expect(await run({ signal: AbortSignal.abort(new Error('before')) })).toBe('error: before')
    expect([operation.mock.calls.length, status()]).toEqual([0, [0, 0]])
  })

  test('has one outcome if abort and success come in one tick, in either order', async () => {
    for (const abortFirst of [true, false]) {
      const { flights, run, status } = setUp()
      const controller = new AbortController()
      const outcome = run({ signal: controller.signal })
      const steps = [() => controller.abort(new Error('gone')), () => flights[0]?.resolve('value')]
      if (!abortFirst) steps.reverse()
      for (const step of steps) step()
      expect([await outcome, status()]).toEqual(['error: gone', [0, 0]])
    }
  })

  test('is ignored by an inner breaker after an abort, and counted as a failure after a timeout', async () => {
    for (const end of ['abort', 'timeout'] as const) {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, timeout('1s'), coalesce(), circuitBreaker())
      const controller = new AbortController()
      const outcome = s.run(() => new Promise(() => {}), { key: 'k', signal: controller.signal }).catch(() => {})
      if (end === 'abort') controller.abort()
      await clock.advance('1s')
      await outcome
      expect(s.status().policies[2]).toMatchObject({ failures: end === 'abort' ? 0 : 1 })
    }
  })
})
