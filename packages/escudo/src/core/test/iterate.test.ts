import { setImmediate, setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  adaptiveLimiter,
  bulkhead,
  type CircuitBreaker,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  explain,
  fallback,
  hedge,
  retry,
  type Shield,
  shield,
  slowCallRate,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const clock = virtualClock()
const shielded = (...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield
const inUse = (s: Shield): unknown => s.status().policies.find(({ type }) => type === 'bulkhead')?.['inUse']
const pass = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))

/** A source of numbers from 1, and what happened to it. */
function numbers(count: number, everyMs = 0) {
  const seen = { closed: 0, thrown: undefined as unknown, produced: 0 }
  async function* items(): AsyncGenerator<number> {
    try {
      for (let item = 1; item <= count; item += 1) {
        if (everyMs > 0) await pass(everyMs)
        seen.produced = item
        yield item
      }
    } catch (error) {
      seen.thrown = error
      throw error
    } finally {
      await setImmediate()
      seen.closed += 1
    }
  }
  return { items, seen }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const failing = (after: number, error: unknown) =>
  async function* (): AsyncGenerator<number> {
    for (let item = 1; item <= after; item += 1) yield item
    throw error
  }

describe('an iteration', () => {
  test('gives all items, and holds the permit until the last one', async () => {
    const s = shielded(bulkhead({ limit: 1 }))
    const { items, seen } = numbers(3)
    const counts: unknown[] = []
    const list: number[] = []
    const iteration = s.iterate(() => items())
    expect(inUse(s)).toBe(0)
    for await (const item of iteration) {
      list.push(item)
      counts.push(inUse(s))
    }
    expect([list, counts, inUse(s), seen.closed]).toEqual([[1, 2, 3], [1, 1, 1], 0, 1])
  })

  test.each<[string, () => unknown]>([
    ['a promise of an async iterable', async () => numbers(2).items()],
    ['an array', () => [1, 2]],
    ['an array of promises', () => [Promise.resolve(1), 2]],
    ['a web stream', () => ReadableStream.from([1, 2])],
    [
      'an iterator without return and throw',
      () => {
        const results = [{ value: 1 }, { value: 2 }, { done: true }]
        return { [Symbol.asyncIterator]: () => ({ next: async () => results.shift() }) }
      },
    ],
  ])('reads %s', async (_what, open) => {
    expect(await all(shielded(bulkhead({ limit: 1 })).iterate(open as () => number[]))).toEqual([1, 2])
  })

  test('asks the source for an item only when the reader does', async () => {
    const { items, seen } = numbers(10)
    const iteration = shielded(timeout('1s')).iterate(() => items())
    expect(seen.produced).toBe(0)
    await iteration.next()
    await setImmediate()
    expect(seen.produced).toBe(1)
    await iteration.next()
    await setImmediate()
    expect(seen.produced).toBe(2)
    await iteration.return()
  })

  test('ends when its reader leaves: closes the source, then releases the permit once', async () => {
    const s = shielded(bulkhead({ limit: 2 }))
    const { items, seen } = numbers(3)
    for await (const item of s.iterate(() => items())) if (item === 2) break
    expect([seen.closed, inUse(s)]).toEqual([1, 0])
  })

  test('that was never begun takes no permit and can be returned', async () => {
    const s = shielded(bulkhead({ limit: 1 }))
    const open = vi.fn(() => [1])
    await s.iterate(open).return()
    expect([open.mock.calls.length, inUse(s)]).toEqual([0, 0])
  })

  test('throws what the source throws when it is closed, which is a failure', async () => {
    const breaker: CircuitBreaker = circuitBreaker({ trip: consecutive(1) })
    const source = { next: async () => ({ value: 1 }), return: () => Promise.reject(new Error('close')) }
    const iteration = shielded(breaker).iterate(() => ({ [Symbol.asyncIterator]: () => source }))
    await iteration.next()
    await expect(iteration.return()).rejects.toThrow('close')
    expect(breaker.state).toBe('open')
  })

  test('throws an error of its reader into the source, and counts no failure', async () => {
    const breaker: CircuitBreaker = circuitBreaker({ trip: consecutive(1) })
    const { items, seen } = numbers(3)
    const iteration = shielded(breaker, bulkhead({ limit: 1 })).iterate(() => items())
    await iteration.next()
    const mine = new Error('mine')
    await expect(iteration.throw(mine)).rejects.toBe(mine)
    expect([seen.thrown, seen.closed, breaker.state]).toEqual([mine, 1, 'closed'])
    expect(await iteration.next()).toEqual({ done: true, value: undefined })
  })

  test('goes on with the source that handles an error of its reader', async () => {
    const iteration = shielded(timeout('1s')).iterate(async function* () {
      try {
        yield 1
      } catch {
        yield 2
      }
    })
    await iteration.next()
    expect(await iteration.throw(new Error('mine'))).toEqual({ done: false, value: 2 })
    expect(await iteration.next()).toEqual({ done: true, value: undefined })
  })

  test('closes a source that has no throw, and passes on the error of the reader', async () => {
    const close = vi.fn(async () => ({ done: true as const, value: undefined }))
    const source = { next: async () => ({ value: 1 }), return: close }
    const iteration = shielded(timeout('1s')).iterate(() => ({ [Symbol.asyncIterator]: () => source }))
    await iteration.next()
    await expect(iteration.throw(new Error('mine'))).rejects.toThrow('mine')
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('that is dropped releases its permit when it is garbage-collected', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const s = shielded(bulkhead({ limit: 1 }))
    const { items, seen } = numbers(3)
    await (async () => void (await s.iterate(() => items()).next()))()
    expect(inUse(s)).toBe(1)
    for (let round = 0; seen.closed === 0 && round < 20; round += 1) {
      collect()
      await setTimeout()
    }
    expect([inUse(s), seen.closed]).toEqual([0, 1])
  })

  test('runs bare while the shield is disabled', async () => {
    const s = shielded(bulkhead({ limit: 1 }))
    s.disable()
    expect(await all(s.iterate(() => numbers(2).items()))).toEqual([1, 2])
  })
})

describe('what is refused', () => {
  test.each<[string, unknown]>([
    ['a number', 5],
    ['nothing', undefined],
    ['text', 'items'],
    ['an object', {}],
  ])('an operation that returns %s', async (_what, value) => {
    const s = shielded(fallback([]), retry(), bulkhead({ limit: 1 }))
    await expect(s.iterate(() => value as never).next()).rejects.toThrow(
      "shield 's': the operation of iterate() must return an async iterable",
    )
    expect(inUse(s)).toBe(0)
  })

  test('an operation that is no function, and an invalid option', async () => {
    const s = shielded(timeout('1s'))
    await expect(s.iterate(5 as never).next()).rejects.toThrow('iterate() expects a function, got 5')
    await expect(s.iterate(() => [], { key: 5 as never }).next()).rejects.toThrow('run.key')
  })

  test.each([cache({ ttl: '1s' }), coalesce()])('a shield with $type', async (policy) => {
    await expect(
      shielded(policy)
        .iterate(() => [1], { key: 'a' } as never)
        .next(),
    ).rejects.toThrow('can be read only once')
  })

  test('a fallback without items', async () => {
    const iteration = shielded(fallback(5)).iterate(() => Promise.reject(new Error('down')))
    await expect(iteration.next()).rejects.toThrow('it is not iterable')
  })

  test('run() with an async iterator, naming iterate', async () => {
    await expect(shielded(timeout('1s')).run(() => numbers(1).items())).rejects.toThrow('shield.iterate(operation)')
  })
})

describe('the policies of an iteration', () => {
  test('retry before the first item', async () => {
    let attempts = 0
    const s = shielded(retry({ maxRetries: 2, backoff: constant(0) }), bulkhead({ limit: 1 }))
    const iteration = s.iterate(async function* () {
      attempts += 1
      if (attempts < 3) throw new Error('down')
      yield attempts
    })
    const items = all(iteration)
    await clock.advance(10)
    expect([await items, inUse(s)]).toEqual([[3], 0])
  })

  test('do not retry, hedge or replace after the first item, and explain why', async () => {
    const down = new Error('down')
    const open = vi.fn(failing(2, down))
    const s = shielded(fallback([9]), retry({ backoff: constant(0) }), hedge({ after: 5 }), bulkhead({ limit: 2 }))
    const list: number[] = []
    const error = await (async () => {
      for await (const item of s.iterate(open)) list.push(item as number)
    })().catch((thrown: unknown) => thrown)
    expect([error, list, open.mock.calls.length, inUse(s)]).toEqual([down, [1, 2], 1, 0])
    expect(explain(error)?.policies.find(({ name }) => name === 'retry')?.state).toBe('items were delivered')
  })

  test('replace a failure before the first item with the items of a fallback', async () => {
    const s = shielded(fallback([7, 8]), bulkhead({ limit: 1 }))
    expect(await all(s.iterate(failing(0, new Error('down'))))).toEqual([7, 8])
    expect(await all(s.iterate(() => []))).toEqual([])
  })

  test('count one failure for an error after items, and one success for an early end', async () => {
    const breaker: CircuitBreaker = circuitBreaker({ trip: consecutive(2) })
    const s = shielded(breaker)
    const fail = async (): Promise<unknown> => all(s.iterate(failing(2, new Error('down')))).catch(() => {})
    await fail()
    for await (const _ of s.iterate(() => numbers(3).items())) break
    await fail()
    expect(breaker.state).toBe('closed')
    await fail()
    expect(breaker.state).toBe('open')
  })

  test('hedge only until the first item', async () => {
    const s = shielded(hedge({ after: 5, maxHedges: 2 }), bulkhead({ limit: 3 }))
    const sources = [numbers(2, 100), numbers(2, 10), numbers(2, 100)]
    let opened = 0
    const iteration = s.iterate(() => (sources[opened++] as (typeof sources)[0]).items())
    const first = iteration.next()
    await clock.advance(40)
    expect(await first).toEqual({ done: false, value: 1 })
    const second = iteration.next()
    await clock.advance(500)
    expect([(await second).value, opened]).toEqual([2, 3])
    expect((await iteration.next()).done).toBe(true)
    await clock.advance(500)
    expect(inUse(s)).toBe(0)
  })
})

describe('the time of an iteration', () => {
  test('of a timeout is that of the source, all items together', async () => {
    const { items, seen } = numbers(10, 30)
    const s = shielded(timeout(100), bulkhead({ limit: 1 }))
    const iteration = s.iterate(() => items())
    for (const expected of [1, 2, 3]) {
      const next = iteration.next()
      await clock.advance(30)
      expect((await next).value).toBe(expected)
      await clock.advance('1h')
    }
    const next = iteration.next().catch((error) => error.code)
    await clock.advance(10)
    expect(await next).toBe('TIMEOUT')
    await clock.advance(100)
    await vi.waitFor(() => expect([inUse(s), seen.closed]).toEqual([0, 1]))
    expect(s.status().policies[0]).toMatchObject({ timeouts: 1 })
  })

  test('includes that of the reader for its deadline and its signal', async () => {
    for (const [options, expected] of [
      [() => ({ deadline: 50 }), 'DEADLINE_EXCEEDED'],
      [() => ({ signal: abortAfter(50) }), 'AbortError'],
    ] as const) {
      const { items, seen } = numbers(10)
      const s = shielded(timeout('1h'), bulkhead({ limit: 1 }))
      const iteration = s.iterate(() => items(), options())
      await iteration.next()
      await clock.advance(49)
      expect([inUse(s), seen.closed]).toEqual([1, 0])
      await clock.advance(1)
      await vi.waitFor(() => expect([inUse(s), seen.closed]).toEqual([0, 1]))
      const error = await iteration.next().catch((thrown) => thrown)
      expect(error.code === expected || error.name === expected).toBe(true)
    }
  })

  test('of a slow reader is not slow for a circuit breaker, but that of a slow source is', async () => {
    for (const [everyMs, readerMs, state] of [
      [1, 10_000, 'closed'],
      [60, 0, 'open'],
    ] as const) {
      const trip = slowCallRate({ threshold: 1, slowerThan: 100, window: { calls: 1 }, minimumCalls: 1 })
      const breaker: CircuitBreaker = circuitBreaker({ trip, openFor: '1h' })
      const s = shielded(breaker)
      const iteration = s.iterate(() => numbers(3, everyMs).items())
      for (let item = 1; item <= 3; item += 1) {
        const next = iteration.next()
        await clock.advance(everyMs)
        await next
        await clock.advance(readerMs)
      }
      expect((await iteration.next()).done).toBe(true)
      expect(breaker.state).toBe(state)
    }
  })

  test('of a slow reader is no latency for an adaptive limiter', async () => {
    const samples: number[] = []
    const create = () => ({ limit: () => 5, onSample: (latencyMs: number) => void samples.push(latencyMs) })
    const s = shielded(adaptiveLimiter({ algorithm: { create } }))
    const iteration = s.iterate(() => numbers(1, 7).items())
    const next = iteration.next()
    await clock.advance(7)
    await next
    await clock.advance(5_000)
    await iteration.next()
    expect(samples).toEqual([7])
  })

  test('of a source that hangs ends with the timeout, and its permit is held until the source ends', async () => {
    const s = shielded(timeout(10), bulkhead({ limit: 1 }))
    let release = (): void => {}
    const hang = new Promise<void>((resolve) => {
      release = resolve
    })
    const iteration = s.iterate(async function* () {
      yield 1
      await hang
    })
    await iteration.next()
    const next = iteration.next().catch((error) => error.code)
    await clock.advance(10)
    expect([await next, inUse(s)]).toEqual(['TIMEOUT', 1])
    release()
    await setImmediate()
    expect(inUse(s)).toBe(0)
  })
})

function abortAfter(ms: number): AbortSignal {
  const controller = new AbortController()
  clock.setTimer(() => controller.abort(), ms)
  return controller.signal
}
