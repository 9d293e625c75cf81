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

describe('who leaves', () => {
  test('an abort of one waiter leaves the others, also when it is the one who began', async () => {
    for (const who of [0, 1, 2]) {
      const { flights, ask, status, operation } = setUp()
      const controllers = [0, 1, 2].map(() => new AbortController())
      const asked = controllers.map(({ signal }) => ask({ signal }))
      controllers[who]?.abort(new Error('gone'))
      expect([await asked[who], status(), flights[0]?.call.signal.aborted]).toEqual(['error: gone', [1, 2], false])
      flights[0]?.resolve('value')
      const expected = ['value', 'value', 'value']
      expected[who] = 'error: gone'
      expect([await Promise.all(asked), operation.mock.calls.length]).toEqual([expected, 1])
      for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toEqual([])
    }
  })

  test('each waiter settles at its own abort, deadline or timeout, at once', async () => {
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

  test('when all are gone the flight is cut: its signal aborts with the reason of the last', async () => {
    const { flights, ask, status } = setUp()
    const [one, other] = [new AbortController(), new AbortController()]
    const asked = [ask({ signal: one.signal }), ask({ signal: other.signal })]
    one.abort(new Error('first'))
    const signal = flights[0]?.call.signal as AbortSignal
    expect(signal.aborted).toBe(false)
    other.abort(new Error('last'))
    expect([signal.aborted, signal.reason.message, status()]).toEqual([true, 'last', [0, 0]])
    expect(await Promise.all(asked)).toEqual(['error: first', 'error: last'])
    flights[0]?.reject(DOWN)
  })

  test('who has no signal and no deadline cannot leave, and keeps the flight in the air', async () => {
    const { flights, ask } = setUp()
    const controller = new AbortController()
    const [leaves, stays] = [ask({ signal: controller.signal }), ask()]
    controller.abort(new Error('gone'))
    expect([await leaves, flights[0]?.call.signal.aborted]).toEqual(['error: gone', false])
    flights[0]?.resolve('value')
    expect(await stays).toBe('value')
  })

  test('a flight that was abandoned by all is not joined by a newcomer, and what it still gives reaches nobody', async () => {
    const { flights, ask, operation, clock } = setUp()
    const controller = new AbortController()
    const abandoned = ask({ signal: controller.signal })
    const newcomers: Promise<unknown>[] = []
    // From within the abort itself, as early as anybody can know.
    flights[0]?.call.signal.addEventListener('abort', () => newcomers.push(ask()))
    controller.abort(new Error('gone'))
    newcomers.push(ask())
    expect([await abandoned, operation.mock.calls.length]).toEqual(['error: gone', 2])
    flights[0]?.resolve('late')
    await clock.advance(0)
    newcomers.push(ask())
    expect(operation).toHaveBeenCalledTimes(2)
    flights[1]?.resolve('new')
    expect(await Promise.all(newcomers)).toEqual(['new', 'new', 'new'])
  })

  test('what stands between the caller and the flight is free at once: a place in a bulkhead', async () => {
    const clock = virtualClock()
    const flight = coalesce()
    const hasty = shield({ name: 'hasty', clock }, timeout('1s'), bulkhead({ limit: 1 }), flight)
    void shield({ name: 'patient', clock }, flight).run(() => new Promise(() => {}), { key: 'k' })
    const asked = hasty.run(() => 'never', { key: 'k' }).catch((error) => error.code)
    await clock.advance('1s')
    expect([await asked, hasty.status().policies[1]]).toMatchObject(['TIMEOUT', { inUse: 0 }])
  })

  test('who gives up after his flight has landed takes nothing from the next one', async () => {
    const clock = virtualClock()
    const flights = coalesce()
    const trying = shield({ name: 'trying', clock }, retry({ backoff: constant('1s') }), flights)
    const plain = shield({ name: 'plain', clock }, flights)
    const controller = new AbortController()
    const tries = trying
      .run(() => Promise.reject(DOWN), { key: 'k', signal: controller.signal })
      .catch((error) => error)
    await clock.advance(0)
    // Its caller waits for the next attempt; meanwhile somebody else flies.
    let call: Call | undefined
    let resolve: (value: string) => void = () => {}
    const next = plain.run(
      (own) => {
        call = own
        return new Promise<string>((end) => (resolve = end))
      },
      { key: 'k' },
    )
    controller.abort('gone')
    expect([await tries, call?.signal.aborted]).toEqual(['gone', false])
    const joins = plain.run(() => 'a second flight', { key: 'k' })
    resolve('value')
    expect([await next, await joins]).toEqual(['value', 'value'])
  })

  test('a caller who is gone before his call arrives begins nothing', async () => {
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
    const asked = s.run(() => 'never', { key: 'k', signal: controller.signal }).catch((error) => error)
    controller.abort('gone')
    expect(await asked).toBe('gone')
    await clock.advance(0)
    expect(s.status().policies).toMatchObject([{}, { flights: 0, joined: 0 }, { calls: 0 }])
  })

  test('a late failure of an abandoned flight is no unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { flights, ask, clock } = setUp()
    const controller = new AbortController()
    const abandoned = ask({ signal: controller.signal })
    controller.abort('gone')
    await abandoned
    flights[0]?.reject(DOWN)
    await clock.advance(0)
    expect(unhandled).not.toHaveBeenCalled()
    process.off('unhandledRejection', unhandled)
  })

  test('a signal that is aborted already: the operation is never called, and no flight begins', async () => {
    const { ask, operation, status } = setUp()
    expect(await ask({ signal: AbortSignal.abort(new Error('before')) })).toBe('error: before')
    expect([operation.mock.calls.length, status()]).toEqual([0, [0, 0]])
  })

  test('abort and success in one tick have one outcome, in either order', async () => {
    for (const abortFirst of [true, false]) {
      const { flights, ask, status } = setUp()
      const controller = new AbortController()
      const asked = ask({ signal: controller.signal })
      const steps = [() => controller.abort(new Error('gone')), () => flights[0]?.resolve('value')]
      if (!abortFirst) steps.reverse()
      for (const step of steps) step()
      expect([await asked, status()]).toEqual(['error: gone', [0, 0]])
    }
  })

  test('a breaker inside: abandoned by its callers says nothing, abandoned by their timeouts is a failure', async () => {
    for (const how of ['abort', 'timeout'] as const) {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, timeout('1s'), coalesce(), circuitBreaker())
      const controller = new AbortController()
      const asked = s.run(() => new Promise(() => {}), { key: 'k', signal: controller.signal }).catch(() => {})
      if (how === 'abort') controller.abort()
      await clock.advance('1s')
      await asked
      expect(s.status().policies[2]).toMatchObject({ failures: how === 'abort' ? 0 : 1 })
    }
  })
})
