import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../errors/brand.ts'
import {
  bulkhead,
  type CacheOptions,
  cache,
  circuitBreaker,
  constant,
  fallback,
  type KeyedRunOptions,
  type Operation,
  retry,
  shield,
  timeout,
} from '../index.ts'
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.ts'

const DOWN = new Error('down')
const NOT_FOUND = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})

function setUp(options: CacheOptions) {
  const clock = virtualClock()
  const values = cache(options)
  const s = shield({ name: 's', clock }, values)
  /** Answers under a key, by what the operation gives at that moment. */
  const ask = (operation: Operation<unknown>, key = 'k', more: Omit<KeyedRunOptions, 'key'> = {}): Promise<unknown> =>
    s.run(operation, { ...more, key }).catch((error) => `error: ${error?.message ?? error}`)
  const status = (): Record<string, unknown> => {
    const { name: _name, type: _type, ...rest } = s.status().policies[0] as Record<string, unknown>
    return rest
  }
  return { clock, values, s, ask, status }
}

const fail = (): Promise<never> => Promise.reject(DOWN)

/** An operation that settles when it is told to. */
function held() {
  const ends: { resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = []
  const operation = vi.fn(() => new Promise<unknown>((resolve, reject) => ends.push({ resolve, reject })))
  return { operation, ends }
}

describe('within ttl', () => {
  test('a value is given out and nothing is run; at ttl it is over', async () => {
    const { clock, ask, status } = setUp({ ttl: '1s' })
    const operation = vi.fn(async () => 'value')
    expect(await ask(operation)).toBe('value')
    await clock.advance(999)
    expect(await ask(operation)).toBe('value')
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 0, misses: 2 })
    expect(clock.pending).toBe(0)
  })

  test('it counts from the instant on at which the value came, and not from the call', async () => {
    const { clock, ask } = setUp({ ttl: '1s' })
    const slow = ask(() => new Promise((resolve) => clock.setTimer(() => resolve('slow'), 5_000)))
    await clock.advance('5s')
    expect(await slow).toBe('slow')
    await clock.advance(999)
    expect(await ask(() => 'new')).toBe('slow')
  })

  test.each([undefined, null, 0, '', false, Number.NaN])('%s is a value like any other', async (value) => {
    const { ask } = setUp({ ttl: '1s' })
    const operation = vi.fn(() => value)
    expect([await ask(operation), await ask(operation)]).toEqual([value, value])
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('each key has its own value, `__proto__` and the empty text included', async () => {
    const { ask, status } = setUp({ ttl: '1s' })
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await ask(() => `of ${key}`, key)).toBe(`of ${key}`)
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await ask(fail, key)).toBe(`of ${key}`)
    expect(status()).toMatchObject({ entries: 4 })
  })

  test.each<[string, Operation<unknown>]>([
    ['a rejection', fail],
    [
      'a synchronous throw',
      () => {
        throw DOWN
      },
    ],
    [
      'a throw of undefined',
      () => {
        throw undefined
      },
    ],
    ['a business error', () => Promise.reject(NOT_FOUND)],
    ['a thenable that rejects', () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(DOWN) })],
  ])('a failure is never kept: %s', async (_name, operation) => {
    const { ask, status } = setUp({ ttl: '1s', staleWhileRevalidate: '1s', staleIfError: '1s' })
    expect(await ask(operation)).toMatch(/^error/)
    expect(status()).toMatchObject({ entries: 0, misses: 1 })
    expect(await ask(() => 'value')).toBe('value')
  })

  test('what a thenable resolves to is kept, not the thenable', async () => {
    const { ask } = setUp({ ttl: '1s' })
    await ask(() => ({ then: (resolve: (value: string) => void) => resolve('value') }) as never)
    expect(await ask(fail)).toBe('value')
  })

  test('beyond maxEntries the key that was used least recently goes, a million keys are 10', async () => {
    const { ask, status } = setUp({ ttl: '1h', maxEntries: 2 })
    await ask(() => 1, 'a')
    await ask(() => 2, 'b')
    await ask(() => 0, 'a')
    await ask(() => 3, 'c')
    expect([await ask(() => 'again', 'a'), await ask(() => 'again', 'b')]).toEqual([1, 'again'])
    const many = setUp({ ttl: '1h', maxEntries: 10 })
    for (let n = 0; n < 1_000_000; n += 1) await many.s.run(() => n, { key: `key ${n}` })
    expect([many.status(), status()]).toMatchObject([{ entries: 10, misses: 1_000_000 }, { entries: 2 }])
  }, 30_000)
})

describe('calls that miss the same key at the same time', () => {
  test('each run; what began last is kept, whichever ends first', async () => {
    const { ask } = setUp({ ttl: '1s' })
    const { operation, ends } = held()
    const [first, second] = [ask(operation), ask(operation)]
    expect(operation).toHaveBeenCalledTimes(2)
    ends[1]?.resolve('new')
    expect(await second).toBe('new')
    ends[0]?.resolve('old')
    expect([await first, await ask(fail)]).toEqual(['old', 'new'])
  })

  test('a reentrant call runs as any other', async () => {
    const { ask } = setUp({ ttl: '1s' })
    expect(await ask(async () => `outer of ${await ask(() => 'inner')}`)).toBe('outer of inner')
    // The inner call began later.
    expect(await ask(fail)).toBe('inner')
  })
})

describe('within staleWhileRevalidate', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleWhileRevalidate: '10s', ...options })
    await set.ask(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('a stale value is answered at once, and one refresh runs in the background', async () => {
    const { clock, ask, status } = await stale()
    const { operation, ends } = held()
    expect([await ask(operation), await ask(operation), await ask(operation)]).toEqual(['old', 'old', 'old'])
    expect(operation).toHaveBeenCalledTimes(1)
    ends[0]?.resolve('new')
    await clock.advance(0)
    expect(await ask(fail)).toBe('new')
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 3, misses: 1 })
    expect(clock.pending).toBe(0)
  })

  test('after it the value is over: the caller waits for a new one', async () => {
    const { clock, ask } = await stale()
    await clock.advance(9_999)
    expect(await ask(() => new Promise(() => {}))).toBe('old')
    await clock.advance(1)
    expect(await ask(() => 'new')).toBe('new')
  })

  test("a refresh is a call of its own: attempt 1, no deadline, outside of the caller's cancellation", async () => {
    const clock = virtualClock()
    const values = cache({ ttl: '1s', staleWhileRevalidate: '10s' })
    let attempts = 1
    const flaky = retry({
      maxRetries: 1,
      backoff: constant(1),
      classify: () => (++attempts > 1 ? 'success' : 'failure'),
    })
    const s = shield({ name: 's', clock }, timeout('20s'), flaky, values, timeout('5s', { name: 'inner' }))
    await s.run(() => 'old', { key: 'k' })
    attempts = 0
    await clock.advance('1s')
    const controller = new AbortController()
    const calls: { attempt: number; deadline: number | undefined; key: string | undefined; signal: AbortSignal }[] = []
    const run = s.run(
      ({ attempt, deadline, key, signal }) => {
        calls.push({ attempt, deadline, key, signal })
        return new Promise((resolve) => clock.setTimer(() => resolve('new'), 3_000))
      },
      { key: 'k', signal: controller.signal, deadline: '1s' },
    )
    await clock.advance(1)
    expect(await run).toBe('old')
    controller.abort('gone')
    const startedAt = 1_001
    // Bounded by what stands inside alone.
    expect(calls).toMatchObject([{ attempt: 1, deadline: startedAt - 1 + 5_000, key: 'k' }])
    await clock.advance('3s')
    expect([calls[0]?.signal.aborted, await s.run(fail, { key: 'k' })]).toEqual([false, 'new'])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('what stands inside bounds a refresh that hangs', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, cache({ ttl: '1s', staleWhileRevalidate: '1h' }), timeout('5s'))
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    let signal: AbortSignal | undefined
    await s.run((call) => new Promise(() => (signal = call.signal)), { key: 'k' })
    await clock.advance('5s')
    expect(signal?.reason).toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    const operation = vi.fn(() => 'new')
    expect(await s.run(operation, { key: 'k' })).toBe('old')
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('its failure is nobody else’s: told as `stale`, never an unhandled rejection, and the next attempt waits', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { clock, s, ask } = await stale()
    const heard: unknown[] = []
    s.on('stale', (event) => heard.push(event))
    s.on('stale', () => {
      throw new Error('a listener is broken')
    })
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const operation = vi.fn(fail)
    for (let n = 0; n < 100; n += 1) expect(await ask(operation)).toBe('old')
    expect(operation).toHaveBeenCalledTimes(1)
    expect(heard).toEqual([{ shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: true }])
    await clock.advance(999)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    await clock.advance('1s')
    await ask(() => {
      throw undefined
    })
    await clock.advance('1s')
    await ask(() => 'new')
    expect(await ask(fail)).toBe('new')
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    warnings.mockRestore()
  })

  test('a business error is an answer, and ends the old value', async () => {
    const { clock, ask, status } = await stale({ staleIfError: '1h' })
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('old')
    await clock.advance(0)
    expect(status()).toMatchObject({ entries: 0 })
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
  })

  test('a refresh that hangs is given up with its entry: replaced by a caller’s run, forgotten, deleted, or cleared', async () => {
    const given: Record<string, (set: Awaited<ReturnType<typeof stale>>) => Promise<unknown> | boolean | undefined> = {
      replaced: async ({ clock, ask }) => {
        await clock.advance('10s')
        expect(await ask(() => 'new')).toBe('new')
      },
      forgotten: ({ ask }) => ask(() => 'other', 'other'),
      deleted: ({ values }) => values.delete('k'),
      cleared: ({ values }) => values.clear() as undefined,
    }
    for (const [how, giveUp] of Object.entries(given)) {
      const set = await stale({ maxEntries: 1 })
      const told = vi.fn()
      set.s.on('stale', told)
      let signal: AbortSignal | undefined
      let settle: (value: unknown) => void = () => {}
      const fails = how === 'cleared'
      await set.ask((call) => {
        signal = call.signal
        return new Promise((resolve, reject) => (settle = fails ? reject : resolve))
      })
      expect(signal?.aborted).toBe(false)
      await giveUp(set)
      expect([how, signal?.aborted, signal?.reason?.name]).toEqual([how, true, 'AbortError'])
      // What it still gives is not kept, nor told.
      settle('late')
      await set.clock.advance(0)
      expect(told).not.toHaveBeenCalled()
      expect(await set.ask(() => 'asked anew')).toBe(how === 'replaced' ? 'new' : 'asked anew')
    }
  })

  test('a refresh given up is ignored by a breaker inside: it says nothing about the dependency', async () => {
    const clock = virtualClock()
    const values = cache({ ttl: '1s', staleWhileRevalidate: '10s' })
    const s = shield({ name: 's', clock }, values, circuitBreaker())
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    await s.run(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))), {
      key: 'k',
    })
    values.clear()
    await clock.advance(0)
    expect(s.status().policies[1]).toMatchObject({ calls: 1, failures: 0 })
  })

  test('a refresh that calls its own key synchronously gets the stale value, and begins no second one', async () => {
    const { clock, ask } = await stale()
    const inner: unknown[] = []
    await ask(async () => {
      inner.push(await ask(fail))
      return 'new'
    })
    await clock.advance(0)
    expect([inner, await ask(fail)]).toEqual([['old'], 'new'])
  })

  test('with ttl 0 every call is answered from memory and refreshes', async () => {
    const { clock, ask } = setUp({ ttl: 0, staleWhileRevalidate: '1m' })
    expect(await ask(() => 1)).toBe(1)
    expect(await ask(() => 2)).toBe(1)
    await clock.advance(0)
    expect(await ask(() => 3)).toBe(2)
  })
})

describe('within staleIfError', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleIfError: '10s', ...options })
    await set.ask(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('a failure is answered with the stale value, and told', async () => {
    const { clock, s, ask, status } = await stale()
    const heard: unknown[] = []
    s.on('stale', (event) => heard.push(event))
    expect(await ask(fail)).toBe('old')
    expect(
      await ask(() => {
        throw undefined
      }),
    ).toBe('old')
    expect(heard).toEqual([
      { shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: false },
      { shield: 's', policy: 'cache', error: undefined, ageMs: 1_000, refresh: false },
    ])
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 2, misses: 1 })
    await clock.advance(9_999)
    expect(await ask(fail)).toBe('old')
    await clock.advance(1)
    expect(await ask(fail)).toBe('error: down')
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 3, misses: 2 })
  })

  test('it is measured when the failure comes', async () => {
    const { clock, ask } = await stale()
    const late = ask(() => new Promise((_, reject) => clock.setTimer(() => reject(DOWN), 10_000)))
    await clock.advance('10s')
    expect(await late).toBe('error: down')
  })

  test('the operation is asked every time, and its success is the value', async () => {
    const { ask } = await stale()
    expect([await ask(fail), await ask(() => 'new'), await ask(fail)]).toEqual(['old', 'new', 'new'])
  })

  test('a refusal from inside is answered with it: an open circuit, a full bulkhead; so is a timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker()
    const values = cache({ ttl: '1s', staleIfError: '10s' })
    const s = shield({ name: 's', clock }, values, breaker, bulkhead({ limit: 1 }), timeout('2s'))
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    const slow = s.run(() => new Promise(() => {}), { key: 'k' })
    expect(await s.run(() => 'full', { key: 'k' })).toBe('old')
    await clock.advance('2s')
    expect(await slow).toBe('old')
    // Whatever else it says of itself.
    const limited = Object.assign(new Error('limited'), {
      [FACTS]: { code: 'LIMITED', status: 429, kind: 'business', verdict: 'ignored', refusal: true },
    })
    expect(await s.run(() => Promise.reject(limited), { key: 'k' })).toBe('old')
    breaker.isolate()
    expect(await s.run(() => 'open', { key: 'k' })).toBe('old')
    await expect(s.run(() => 'open', { key: 'other' })).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test("the caller's own abort is not, nor a deadline: they settle at once, with their own reason", async () => {
    const { clock, s, ask, status } = await stale()
    const controller = new AbortController()
    const aborted = ask(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await aborted).toBe('error: gone')
    const deaf = s.run(() => new Promise(() => {}), { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await deaf).toBe('DEADLINE_EXCEEDED')
    const heard = vi.fn()
    s.on('stale', heard)
    const hears: Operation<unknown> = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN)))
    const late = s.run(hears, { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect([await late, heard.mock.calls]).toEqual(['DEADLINE_EXCEEDED', []])
    expect(await ask(() => 'never', 'k', { signal: AbortSignal.abort(new Error('before')) })).toBe('error: before')
    expect(status()).toMatchObject({ stale: 0 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('a business error is not, and ends the old value: it does not stand in for the next failure', async () => {
    const { ask } = await stale()
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
    expect(await ask(fail)).toBe('error: down')
  })

  test('nor is an error that says that the dependency did its part; one that says nothing keeps the old value', async () => {
    const { ask } = await stale()
    const withFacts = (verdict: string) =>
      Object.assign(new Error(verdict), { [FACTS]: { code: 'X', status: 500, kind: 'technical', verdict } })
    expect(await ask(() => Promise.reject(withFacts('ignored')))).toBe('error: ignored')
    expect(await ask(fail)).toBe('old')
    expect(await ask(() => Promise.reject(withFacts('success')))).toBe('error: success')
    expect(await ask(fail)).toBe('error: down')
  })

  test('a business error of a run that began before the value came does not end it', async () => {
    const { ask } = await stale()
    const { operation, ends } = held()
    const before = ask(operation)
    expect(await ask(() => 'new')).toBe('new')
    ends[0]?.reject(NOT_FOUND)
    expect([await before, await ask(fail)]).toEqual(['error: not found', 'new'])
  })
})

describe('a call that is cut', () => {
  test('keeps nothing: what an operation makes of its abort is no answer', async () => {
    const { clock, ask } = setUp({ ttl: '1s' })
    const controller = new AbortController()
    const call = ask(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('partial'))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await call).toBe('error: gone')
    await clock.advance(0)
    expect(await ask(() => 'whole')).toBe('whole')
  })
})

describe('delete and clear', () => {
  test('delete tells whether there was a value, and the next call runs', async () => {
    const { values, ask } = setUp({ ttl: '1h' })
    await ask(() => 'old')
    expect([values.delete('other'), values.delete('k'), values.delete('k')]).toEqual([false, true, false])
    expect(await ask(() => 'new')).toBe('new')
    await ask(() => 'b', 'b')
    values.clear()
    expect([await ask(() => 'newer'), await ask(() => 'newer', 'b')]).toEqual(['newer', 'newer'])
  })

  test('what was under way then reaches its callers, and is not kept', async () => {
    for (const forget of ['delete', 'clear'] as const) {
      const { values, ask } = setUp({ ttl: '1h' })
      const { operation, ends } = held()
      const call = ask(operation)
      values[forget]('k')
      ends[0]?.resolve('read before the change')
      expect([await call, await ask(() => 'after it')]).toEqual(['read before the change', 'after it'])
    }
  })
})

describe('what a cache asks for', () => {
  test('a call without a key is a TypeError that names shield and policy, and nothing is run', async () => {
    const { s } = setUp({ ttl: '1s', name: 'prices' })
    const operation = vi.fn(() => 1)
    const run = s.run.bind(s) as (operation: () => unknown, options?: unknown) => Promise<unknown>
    for (const options of [undefined, {}, { key: undefined }, { key: 5 }, { key: null }]) {
      const error = (await run(operation, options).catch((thrown) => thrown)) as Error
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/shield 's'.*'prices' needs a key/)
    }
    const wrapped = (s.wrap.bind(s) as (fn: () => unknown) => () => Promise<unknown>)(operation)
    await expect(wrapped()).rejects.toThrow(TypeError)
    expect(operation).not.toHaveBeenCalled()
  })

  test('wrap derives the key from the arguments', async () => {
    const { s } = setUp({ ttl: '1s' })
    const load = vi.fn(async (id: number) => `item ${id}`)
    const wrapped = s.wrap(load, { key: (id) => `item ${id}` })
    expect([await wrapped(1), await wrapped(2), await wrapped(1)]).toEqual(['item 1', 'item 2', 'item 1'])
    expect(load).toHaveBeenCalledTimes(2)
  })

  test.each<[string, () => unknown]>([
    ['Response', () => new Response('text')],
    ['Response', () => new Response(null)],
    ['Response', () => new Request('http://127.0.0.1/')],
    ['stream', () => new ReadableStream()],
    ['stream', () => ({ pipe: () => {}, readable: true })],
    ['iterator', () => [1][Symbol.iterator]()],
    [
      'iterator',
      async function* () {
        yield 1
      },
    ],
  ])('what can be read only once is refused with what to do instead: a %s', async (what, operation) => {
    const { ask, status } = setUp({ ttl: '1s' })
    const answer = await ask(() => Promise.resolve(operation()))
    expect(answer).toMatch(new RegExp(`error: shield 's': the policy 'cache' .*${what}.* only once; read it inside`))
    expect(status()).toMatchObject({ entries: 0 })
  })

  test.each<[string, unknown]>([
    ['a blob', new Blob(['x'])],
    ['a list', [1]],
    ['a map', new Map()],
    ['an observable', { pipe: () => {}, subscribe: () => {} }],
    ['a linked list', { next: undefined }],
    [
      'what cannot be looked at',
      new Proxy({}, { get: (_, key) => (key === 'then' ? undefined : JSON.parse('no json')) }),
    ],
    ['a function', () => 5],
  ])('what can be read many times is kept: %s', async (_name, value) => {
    const { ask, status } = setUp({ ttl: '1s' })
    expect((await ask(() => value)) === value).toBe(true)
    expect(status()).toMatchObject({ entries: 1 })
  })

  test('the order is checked: a fallback inside would be kept as an answer', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    shield('doubtful', cache({ ttl: '1s' }), fallback(null))
    shield('fine', fallback(null), cache({ ttl: '1s' }))
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining("the fallback 'fallback'")])
    warnings.mockRestore()
  })
})

test('one cache in two shields is one memory', async () => {
  const clock = virtualClock()
  const values = cache({ ttl: '1s' })
  const [one, other] = [shield({ name: 'one', clock }, values), shield({ name: 'other', clock }, values)]
  await one.run(() => 'value', { key: 'k' })
  expect(await other.run(fail, { key: 'k' })).toBe('value')
})

test('10⁵ calls with signal and deadline leave no listener, no timer and no more than the bound', async () => {
  const { clock, s, status } = setUp({ ttl: 1, staleWhileRevalidate: 1, staleIfError: 1, maxEntries: 10 })
  const { signal } = new AbortController()
  for (let n = 0; n < 100_000; n += 1) {
    const call = s.run(() => (n % 3 === 0 ? fail() : n), { key: `key ${n % 50}`, signal, deadline: '1h' })
    await call.catch(() => {})
    if (n % 1_000 === 0) await clock.advance(1)
  }
  await clock.advance(0)
  expect([getEventListeners(signal, 'abort'), clock.pending, status()]).toMatchObject([[], 0, { entries: 10 }])
}, 60_000)

test('the wall clock may jump, and an event loop that was blocked finds the value old', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['Date'] })
  const { clock, ask } = setUp({ ttl: '1s' })
  await ask(() => 'old')
  vi.setSystemTime(3_600_000)
  expect(await ask(fail)).toBe('old')
  vi.setSystemTime(-3_600_000)
  expect(await ask(fail)).toBe('old')
  await (clock as VirtualClock).advance('30s')
  expect(await ask(() => 'new')).toBe('new')
  vi.useRealTimers()
})
