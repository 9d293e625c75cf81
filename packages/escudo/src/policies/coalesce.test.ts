import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  type Call,
  cache,
  circuitBreaker,
  coalesce,
  constant,
  currentCall,
  definePolicy,
  type KeyedRunOptions,
  type Operation,
  retry,
  shield,
  timeout,
} from '../index.ts'
import { virtualClock } from '../testing/virtual-clock.ts'

const DOWN = new Error('down')

function setUp() {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, coalesce())
  const flights: { call: Call; resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = []
  const operation = vi.fn(
    (call: Call) => new Promise<unknown>((resolve, reject) => flights.push({ call, resolve, reject })),
  )
  const ask = (more: Partial<KeyedRunOptions> = {}, own: Operation<unknown> = operation): Promise<unknown> =>
    s.run(own, { key: 'k', ...more }).catch((error) => `error: ${error?.code ?? error?.message ?? error}`)
  const status = (): unknown => {
    const { flights: inTheAir, waiting } = s.status().policies[0] as Record<string, unknown>
    return [inTheAir, waiting]
  }
  return { clock, s, operation, flights, ask, status }
}

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

describe('a call from inside of a flight', () => {
  test.each(['synchronously', 'later'])(
    'for its own key, %s, is an error that says so instead of waiting for ever',
    async (when) => {
      const { clock, s } = setUp()
      const outer = s.run(
        async () => {
          if (when === 'later') await clock.advance(1)
          return await s.run(() => 'inner', { key: 'k' }).catch((error) => error.message)
        },
        { key: 'k' },
      )
      expect(await outer).toMatch(/shield 's': a call would wait for itself.*'coalesce'/)
    },
  )

  test('for another key flies, and so does its own once the flight is over', async () => {
    const { s } = setUp()
    let afterwards: Promise<unknown> = Promise.resolve()
    const outer = s.run(
      async () => {
        // Detached: it outlives the flight that it is begun in.
        const { promise, resolve } = Promise.withResolvers<void>()
        setImmediate(resolve)
        afterwards = promise.then(() => s.run(() => 'afterwards', { key: 'k' }))
        return await s.run(() => 'other', { key: 'other' })
      },
      { key: 'k' },
    )
    expect([await outer, await afterwards]).toEqual(['other', 'afterwards'])
  })

  test('two flights, and three, that would wait for each other: the one who closes the circle is told', async () => {
    for (const keys of [
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      const { s, status } = setUp()
      const outcomes = keys.map((key, index) =>
        s
          .run(
            async () => {
              await undefined
              return `${key}${await s.run(() => 'own', { key: keys[(index + 1) % keys.length] as string })}`
            },
            { key },
          )
          .catch((error: Error) => error.message.slice(0, 37)),
      )
      expect(await Promise.all(outcomes)).toEqual(keys.map(() => "shield 's': a call would wait for its"))
      expect(status()).toEqual([0, 0])
    }
  })

  test('the circle is seen across two policies, and through other shields', async () => {
    const [one, other, between] = [
      shield('one', coalesce()),
      shield('other', coalesce()),
      shield('between', retry({ maxRetries: 0 })),
    ]
    const outcome = one
      .run(() => between.run(() => other.run(() => one.run(() => 'inner', { key: 'k' }), { key: 'k' })), { key: 'k' })
      .catch((error) => error.message)
    expect(await outcome).toContain("shield 'one': a call would wait for itself")
  })

  test('many who wait for the same flight from inside of others are no circle', async () => {
    const { s, flights, operation } = setUp()
    const asked = ['a', 'b', 'c'].map((key) =>
      s.run(async () => `${key} ${await s.run(operation, { key: 'shared' })}`, { key }),
    )
    flights[0]?.resolve('value')
    expect([await Promise.all(asked), operation.mock.calls.length]).toEqual([['a value', 'b value', 'c value'], 1])
  })

  test('who has left waits no more: no circle through him', async () => {
    const { clock, s, status } = setUp()
    const controller = new AbortController()
    const [askA, endA] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const b = s.run(
      async () => {
        await askA.promise
        return `b after ${await s.run(() => 'own', { key: 'a' })}`
      },
      { key: 'b' },
    )
    const a = s.run(
      async () => {
        // Joins b, leaves it, and goes on without it.
        await s.run(() => 'own', { key: 'b', signal: controller.signal }).catch(() => {})
        await endA.promise
        return 'a'
      },
      { key: 'a' },
    )
    expect(status()).toEqual([2, 3])
    controller.abort()
    await clock.advance(0)
    askA.resolve()
    await clock.advance(0)
    endA.resolve()
    expect([await a, await b]).toEqual(['a', 'b after a'])
  })

  test('a refresh that a cache begins inside of a flight is not waited for, and closes no circle', async () => {
    const clock = virtualClock()
    const flights = coalesce()
    const plain = shield({ name: 'plain', clock }, flights)
    const cached = shield({ name: 'cached', clock }, cache({ ttl: 1, staleWhileRevalidate: '1h' }), flights)
    await cached.run(() => 'old', { key: 'c' })
    await clock.advance(1)
    const inner = Promise.withResolvers<string>()
    const askOuter = Promise.withResolvers<void>()
    const outer = plain.run(
      async () => {
        // Stale: the refresh joins no flight of its own key, and this flight does not wait for it.
        const value = await cached.run(
          async () => {
            await askOuter.promise
            return `new ${await plain.run(() => 'own', { key: 'outer' })}`
          },
          { key: 'c' },
        )
        return `${value} ${await inner.promise}`
      },
      { key: 'outer' },
    )
    askOuter.resolve()
    await clock.advance(0)
    inner.resolve('outer')
    expect(await outer).toBe('old outer')
    await clock.advance(0)
    expect(await cached.run(() => 'none', { key: 'c' })).toBe('new old outer')
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
