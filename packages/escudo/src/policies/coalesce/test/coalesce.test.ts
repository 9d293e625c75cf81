import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  type Call,
  cache,
  coalesce,
  constant,
  currentCall,
  type Operation,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, setUp } from './setup.ts'

describe('one flight per key', () => {
  test('all concurrent calls receive the same value', async () => {
    const { s, operation, flights, run, status } = setUp()
    const outcomes = [run(), run(), run()]
    expect([operation.mock.calls.length, status()]).toEqual([1, [1, 3]])
    const value = {}
    flights[0]?.resolve(value)
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toBe(value)
    expect(status()).toEqual([0, 0])
    expect(s.status().policies[0]).toMatchObject({ joined: 2 })
  })

  test('all concurrent calls receive an error that throws when it is looked at', async () => {
    const { proxy: revoked, revoke } = Proxy.revocable(new Error('gone'), {})
    revoke()
    const trap = (): never => {
      throw new Error('a trap')
    }
    for (const error of [revoked, new Proxy(new Error('down'), { get: trap, getPrototypeOf: trap })]) {
      const { s } = setUp()
      const caught: unknown[] = []
      const run = (): Promise<unknown> => s.run(() => Promise.reject(error), { key: 'k' }).catch((e) => caught.push(e))
      await Promise.all([run(), run(), run()])
      expect(caught.map((each) => each === error)).toEqual([true, true, true])
    }
  })

  test('all concurrent calls receive the same error: also undefined, a throw, a thenable', async () => {
    const failures: [unknown, Operation<unknown>][] = [
      [DOWN, () => Promise.reject(DOWN)],
      [undefined, () => Promise.reject(undefined)],
      [
        DOWN,
        () => {
          throw DOWN
        },
      ],
      [DOWN, () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(DOWN) }) as never],
    ]
    for (const [error, operation] of failures) {
      const { s, status } = setUp()
      const outcomes = [1, 2, 3].map(() => s.run(operation, { key: 'k' }))
      expect(await Promise.allSettled(outcomes)).toEqual([1, 2, 3].map(() => ({ status: 'rejected', reason: error })))
      expect(status()).toEqual([0, 0])
    }
  })

  test('each key has its own flight, also `__proto__` and the empty string', async () => {
    const { flights, run, status } = setUp()
    const outcomes = ['a', '__proto__', '', 'constructor'].map((key) => run({ key }))
    expect(status()).toEqual([4, 4])
    for (const { call, resolve } of flights) resolve(call.key)
    expect(await Promise.all(outcomes)).toEqual(['a', '__proto__', '', 'constructor'])
  })

  test('a call after the flight has settled starts a new one, after a value or an error', async () => {
    const { operation, flights, run } = setUp()
    const first = run()
    flights[0]?.reject(DOWN)
    // The earliest moment at which a caller can know that the flight has settled.
    const second = first.then(() => run())
    expect(await first).toBe('error: down')
    await undefined
    expect(operation).toHaveBeenCalledTimes(2)
    flights[1]?.resolve('value')
    expect(await second).toBe('value')
    void run()
    expect(operation).toHaveBeenCalledTimes(3)
  })

  test("a flight is a separate call: attempt 1, no deadline, no caller's signal", async () => {
    const clock = virtualClock()
    let failures = 0
    const s = shield(
      { name: 's', clock },
      timeout('20s'),
      retry({ maxRetries: 1, backoff: constant(1) }),
      coalesce(),
      timeout('5s'),
    )
    const calls: Call[] = []
    const controller = new AbortController()
    const outcome = s.run(
      (call) => {
        calls.push(call)
        failures += 1
        if (failures === 1) throw DOWN
        return 'value'
      },
      { key: 'k', priority: 3, signal: controller.signal, deadline: '10s' },
    )
    await clock.advance(1)
    expect(await outcome).toBe('value')
    expect(calls).toMatchObject([
      { attempt: 1, deadline: 5_000, key: 'k', priority: 3 },
      { attempt: 1, deadline: 5_001, key: 'k' },
    ])
    controller.abort()
    expect(calls[1]?.signal.aborted).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

test('the operation runs in the context of the first caller; each caller continues in its own', async () => {
  const { s, flights, operation } = setUp()
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const run = (name: string): Promise<void> =>
    storage.run(name, async () => {
      const recording: Operation<unknown> = (call) => {
        seen.push(storage.getStore())
        return operation(call)
      }
      await s.run(recording, { key: 'k' })
      seen.push(storage.getStore())
    })
  const outcomes = [run('first'), run('second')]
  flights[0]?.resolve(1)
  await Promise.all(outcomes)
  expect(seen).toEqual(['first', 'first', 'second'])
})

test("currentCall() returns the flight's call, also inside another shield's wrapped function", async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, coalesce())
  const outer = shield({ name: 'outer', clock }, timeout('1s'))
  let current: Call | undefined
  let received: Call | undefined
  await outer.wrap(async () => {
    const run = (call: Call): void => {
      current = currentCall()
      received = call
    }
    await s.run(run, { key: 'k' })
  })()
  expect([current === received, current?.deadline]).toEqual([true, undefined])
})

test('rejects a call without a key with a TypeError that names shield and policy', async () => {
  const s = shield('s', coalesce({ name: 'once' }))
  const operation = vi.fn(() => 1)
  const run = s.run.bind(s) as unknown as (operation: () => unknown) => Promise<unknown>
  const error = await run(operation).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toMatch(/shield 's'.*'once' needs a key/)
  expect(operation).not.toHaveBeenCalled()
})

test('rejects a Response for every caller', async () => {
  const { run, status } = setUp()
  const response = (): Response => new Response('text')
  const outcomes = [run({}, response), run({}, response)]
  for (const outcome of await Promise.all(outcomes))
    expect(outcome).toMatch(/a Response can be read only once; read it inside/)
  expect(status()).toEqual([0, 0])
})

test('inside a cache, a thousand concurrent misses run the operation once', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, cache({ ttl: '1s' }), coalesce())
  const operation = vi.fn(async () => 'value')
  const outcomes = Array.from({ length: 1_000 }, () => s.run(operation, { key: 'k' }))
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['value']))
  expect(operation).toHaveBeenCalledTimes(1)
  expect(await s.run(() => 'other', { key: 'k' })).toBe('value')
})

test('keeps no flight, listener or timer after 10⁵ calls on one signal', async () => {
  const { clock, s, status } = setUp()
  const { signal } = new AbortController()
  for (let n = 0; n < 50_000; n += 1) {
    const key = `key ${n}`
    const calls = [
      s.run(() => (n % 3 === 0 ? Promise.reject(DOWN) : n), { key, signal, deadline: '1h' }),
      s.run(() => 'never', { key, signal }),
    ]
    await Promise.allSettled(calls)
  }
  expect([status(), getEventListeners(signal, 'abort'), clock.pending]).toEqual([[0, 0], [], 0])
}, 60_000)

test('20,000 callers leave a flight one by one, and the last one cancels it', async () => {
  const { flights, run, status } = setUp()
  const controllers = Array.from({ length: 20_000 }, () => new AbortController())
  const outcomes = controllers.map(({ signal }) => run({ signal }))
  expect(status()).toEqual([1, 20_000])
  for (const controller of controllers.slice(1)) controller.abort('gone')
  expect(flights[0]?.call.signal.aborted).toBe(false)
  controllers[0]?.abort('gone')
  expect([flights[0]?.call.signal.aborted, status()]).toEqual([true, [0, 0]])
  await Promise.all(outcomes)
}, 60_000)
