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
  test('all who ask meanwhile get its value, the same to all', async () => {
    const { s, operation, flights, ask, status } = setUp()
    const asked = [ask(), ask(), ask()]
    expect([operation.mock.calls.length, status()]).toEqual([1, [1, 3]])
    const value = {}
    flights[0]?.resolve(value)
    for (const got of await Promise.all(asked)) expect(got).toBe(value)
    expect(status()).toEqual([0, 0])
    expect(s.status().policies[0]).toMatchObject({ joined: 2 })
  })

  test('its error goes to all of them: also undefined, a synchronous throw and a thenable', async () => {
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
      const asked = [1, 2, 3].map(() => s.run(operation, { key: 'k' }))
      expect(await Promise.allSettled(asked)).toEqual([1, 2, 3].map(() => ({ status: 'rejected', reason: error })))
      expect(status()).toEqual([0, 0])
    }
  })

  test('other keys fly on their own, `__proto__` and the empty text included', async () => {
    const { flights, ask, status } = setUp()
    const asked = ['a', '__proto__', '', 'constructor'].map((key) => ask({ key }))
    expect(status()).toEqual([4, 4])
    for (const { call, resolve } of flights) resolve(call.key)
    expect(await Promise.all(asked)).toEqual(['a', '__proto__', '', 'constructor'])
  })

  test('a new caller after the flight settled starts a new one, whether it came to a value or an error', async () => {
    const { operation, flights, ask } = setUp()
    const first = ask()
    flights[0]?.reject(DOWN)
    // As soon as anybody can know that it has settled.
    const second = first.then(() => ask())
    expect(await first).toBe('error: down')
    await undefined
    expect(operation).toHaveBeenCalledTimes(2)
    flights[1]?.resolve('value')
    expect(await second).toBe('value')
    void ask()
    expect(operation).toHaveBeenCalledTimes(3)
  })

  test("the flight's call is its own: attempt 1, no deadline, no caller's signal", async () => {
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
    const run = s.run(
      (call) => {
        calls.push(call)
        failures += 1
        if (failures === 1) throw DOWN
        return 'value'
      },
      { key: 'k', priority: 3, signal: controller.signal, deadline: '10s' },
    )
    await clock.advance(1)
    expect(await run).toBe('value')
    expect(calls).toMatchObject([
      { attempt: 1, deadline: 5_000, key: 'k', priority: 3 },
      { attempt: 1, deadline: 5_001, key: 'k' },
    ])
    controller.abort()
    expect(calls[1]?.signal.aborted).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

test('asynchronous contexts: the operation runs in that of the caller who began, each caller goes on in his own', async () => {
  const { s, flights, operation } = setUp()
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const ask = (name: string): Promise<void> =>
    storage.run(name, async () => {
      const run: Operation<unknown> = (call) => {
        seen.push(storage.getStore())
        return operation(call)
      }
      await s.run(run, { key: 'k' })
      seen.push(storage.getStore())
    })
  const asked = [ask('first'), ask('second')]
  flights[0]?.resolve(1)
  await Promise.all(asked)
  expect(seen).toEqual(['first', 'first', 'second'])
})

test("currentCall() inside is the flight's call, also inside of another shield's wrapped function", async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, coalesce())
  const outer = shield({ name: 'outer', clock }, timeout('1s'))
  let inside: Call | undefined
  let flown: Call | undefined
  await outer.wrap(async () => {
    const run = (call: Call): void => {
      inside = currentCall()
      flown = call
    }
    await s.run(run, { key: 'k' })
  })()
  expect([inside === flown, inside?.deadline]).toEqual([true, undefined])
})

test('a call without a key is a TypeError that names shield and policy, and nothing is run', async () => {
  const s = shield('s', coalesce({ name: 'once' }))
  const operation = vi.fn(() => 1)
  const run = s.run.bind(s) as unknown as (operation: () => unknown) => Promise<unknown>
  const error = await run(operation).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toMatch(/shield 's'.*'once' needs a key/)
  expect(operation).not.toHaveBeenCalled()
})

test('a Response is refused, to one caller as to many', async () => {
  const { ask, status } = setUp()
  const response = (): Response => new Response('text')
  const asked = [ask({}, response), ask({}, response)]
  for (const answer of await Promise.all(asked))
    expect(answer).toMatch(/a Response can be read only once; read it inside/)
  expect(status()).toEqual([0, 0])
})

test('inside of a cache, a crowd that misses is one run', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, cache({ ttl: '1s' }), coalesce())
  const operation = vi.fn(async () => 'value')
  const asked = Array.from({ length: 1_000 }, () => s.run(operation, { key: 'k' }))
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['value']))
  expect(operation).toHaveBeenCalledTimes(1)
  expect(await s.run(() => 'other', { key: 'k' })).toBe('value')
})

test('10⁵ calls of 10⁵ keys, on one signal, joined and left, leave no flight, no listener, no timer', async () => {
  const { clock, s, status } = setUp()
  const { signal } = new AbortController()
  for (let n = 0; n < 50_000; n += 1) {
    const key = `key ${n}`
    const [one, other] = [
      s.run(() => (n % 3 === 0 ? Promise.reject(DOWN) : n), { key, signal, deadline: '1h' }),
      s.run(() => 'never', { key, signal }),
    ]
    await Promise.allSettled([one, other])
  }
  expect([status(), getEventListeners(signal, 'abort'), clock.pending]).toEqual([[0, 0], [], 0])
}, 60_000)

test('20,000 callers of one flight leave it one by one, and the last one cuts it', async () => {
  const { flights, ask, status } = setUp()
  const controllers = Array.from({ length: 20_000 }, () => new AbortController())
  const asked = controllers.map(({ signal }) => ask({ signal }))
  expect(status()).toEqual([1, 20_000])
  for (const controller of controllers.slice(1)) controller.abort('gone')
  expect(flights[0]?.call.signal.aborted).toBe(false)
  controllers[0]?.abort('gone')
  expect([flights[0]?.call.signal.aborted, status()]).toEqual([true, [0, 0]])
  await Promise.all(asked)
}, 60_000)
