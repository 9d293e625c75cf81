import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  type Call,
  type Clock,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  hedge,
  type ItemSource,
  retry,
  type Shield,
  shield,
  slowCallRate,
  timeout,
} from '../../index.ts'
import { lateClock } from '../../policies/test/late-clock.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const clock = virtualClock()
const shielded = (...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield
const inUse = (s: Shield): unknown => s.status().policies.find(({ type }) => type === 'bulkhead')?.['inUse']
const hang = (): Promise<never> => new Promise(() => {})

/** A source whose iterator is written by hand. */
const source = (next: () => unknown, rest: object = {}): ItemSource<unknown> =>
  ({ [Symbol.asyncIterator]: () => ({ next, ...rest }) }) as unknown as ItemSource<unknown>

async function take(items: AsyncIterable<unknown>, count: number): Promise<unknown> {
  const list: unknown[] = []
  try {
    for await (const item of items) {
      list.push(item)
      if (list.length === count) break
    }
  } catch (error) {
    return (error as Error).message
  }
  return list
}

async function* numbers(): AsyncGenerator<number> {
  for (let item = 1; ; item += 1) yield item
}

describe('an iterator that breaks the protocol', () => {
  test.each([5, 'text', true, null, undefined])(
    'next() returns %s: the iteration ends with an error',
    async (result) => {
      const s = shielded(bulkhead({ limit: 1 }))
      const shown = typeof result === 'string' ? `'${result}'` : result
      expect(
        await take(
          s.iterate(() => source(() => result)),
          3,
        ),
      ).toContain(`returned ${shown} as its next result`)
      expect(inUse(s)).toBe(0)
    },
  )

  test('any true value of done ends it, as in a loop without a shield', async () => {
    const results = [{ value: 1 }, { done: 0, value: 2 }, { done: 1, value: 3 }]
    expect(
      await take(
        shielded().iterate(() => source(() => results.shift())),
        5,
      ),
    ).toEqual([1, 2])
  })

  test('throw() returns no object', async () => {
    const items = shielded(bulkhead({ limit: 1 })).iterate(() => source(() => ({ value: 1 }), { throw: () => 7 }))
    await items.next()
    await expect(items.throw(new Error('of the reader'))).rejects.toThrow('returned 7')
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 5],
    ['an object without next()', {}],
  ])('is %s: the mistake is named, and not retried', async (_what, iterator) => {
    let opened = 0
    const s = shielded(retry({ backoff: constant(0) }))
    const items = s.iterate(() => {
      opened += 1
      return { [Symbol.asyncIterator]: () => iterator } as ItemSource<unknown>
    })
    expect([await take(items, 1), opened]).toEqual([expect.stringContaining('an iterator without next()'), 1])
  })

  test('of a list has no throw(): the error of the reader passes through, and is no failure', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    for (const list of [[1, 2], new Set([1, 2])]) {
      const items = shielded(breaker).iterate(() => list)
      await items.next()
      await expect(items.throw(new Error('of the reader'))).rejects.toThrow('of the reader')
    }
    expect(breaker.state).toBe('closed')
  })

  test('of a generator handles the error of the reader', async () => {
    const items = shielded().iterate(function* () {
      try {
        yield 1
      } catch (error) {
        yield error
      }
    })
    await items.next()
    expect(await items.throw('mine')).toEqual({ done: false, value: 'mine' })
  })

  test('belongs to a function', async () => {
    const iterable = Object.assign(() => {}, { [Symbol.asyncIterator]: numbers })
    expect(
      await take(
        shielded().iterate(() => iterable as never),
        2,
      ),
    ).toEqual([1, 2])
  })
})

describe('an item that is a promise', () => {
  const rejecting = (number: number) => {
    const seen = { returned: 0 }
    let item = 0
    const next = () => ({ value: ++item === number ? Promise.reject(new Error('row lost')) : Promise.resolve(item) })
    const close = () => {
      seen.returned += 1
      throw new Error('of return()')
    }
    return { seen, source: source(next, { return: close }) }
  }

  test('is awaited inside the policies: its rejection is a failure of the source', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shielded(breaker, bulkhead({ limit: 1 }))
    const { seen, source } = rejecting(3)
    expect(
      await take(
        s.iterate(() => source),
        5,
      ),
    ).toBe('row lost')
    expect([breaker.state, seen.returned, inUse(s)]).toEqual(['open', 1, 0])
  })

  test('is retried if it is the first one', async () => {
    let attempt = 0
    const s = shielded(retry({ backoff: constant(0) }), bulkhead({ limit: 1 }))
    const taken = take(
      s.iterate(() => rejecting(++attempt === 1 ? 1 : 9).source),
      1,
    )
    await clock.advance(10)
    // The source throws when it is closed, and the loop has ended early.
    expect([await taken, attempt, inUse(s)]).toEqual(['of return()', 2, 0])
  })

  test('that never settles is ended by the timeout', async () => {
    const s = shielded(timeout(100), bulkhead({ limit: 1 }))
    const taken = take(
      s.iterate(() => source(() => ({ value: hang() }))),
      1,
    )
    await clock.advance(100)
    expect(await taken).toContain('took longer than 100 ms')
  })
})

describe('a custom policy around an iteration', () => {
  /** Waits 50 ms for the operation, which goes on. */
  const impatient = (timers: Clock) =>
    definePolicy({
      name: 'impatient',
      wrap: (next) => (call, operation) => {
        const late = new Promise<never>((_, reject) => timers.setTimer(() => reject(new Error('late')), 50))
        return Promise.race([next(call, operation), late])
      },
    })

  test('gives up an attempt of a hedge, whose late item does not decide the call', async () => {
    const virtual = virtualClock()
    const s = shield({ name: 's', clock: virtual }, hedge({ after: 500 }), impatient(virtual), bulkhead({ limit: 2 }))
    const items = s.iterate(async function* () {
      await new Promise<void>((resolve) => virtual.setTimer(resolve, 80))
      yield* numbers()
    })
    const first = items.next().catch((error) => error)
    await virtual.advance(200)
    await first
    await expect(items.next()).rejects.toThrow('late')
    expect(inUse(s as never)).toBe(0)
  })

  test('ends the call while the reader has an item: the source is closed, and all permits come back', async () => {
    const virtual = virtualClock()
    let closed = 0
    const s = shield(
      { name: 's', clock: virtual },
      timeout('1h'),
      impatient(virtual),
      bulkhead({ limit: 1 }),
      timeout('1m'),
    )
    const items = s.iterate(async function* () {
      try {
        yield* numbers()
      } finally {
        closed += 1
      }
    })
    await items.next()
    await virtual.advance(50)
    await expect(items.next()).rejects.toThrow('late')
    await setImmediate()
    expect([closed, inUse(s as never), virtual.pending]).toEqual([1, 0, 0])
  })

  test.each([1, 2])('ends the call while the source works on item %s', async (slow) => {
    const virtual = virtualClock()
    const s = shield({ name: 's', clock: virtual }, impatient(virtual), bulkhead({ limit: 1 }))
    let closed = 0
    const items = s.iterate(async function* () {
      try {
        for (let item = 1; ; item += 1) {
          if (item === slow) await new Promise<void>((resolve) => virtual.setTimer(resolve, 80))
          yield item
        }
      } finally {
        closed += 1
      }
    })
    const taken = take(items, 3)
    await virtual.advance(100)
    expect([await taken, closed, inUse(s as never)]).toEqual(['late', 1, 0])
  })

  test('gives the operation a copy of the call', async () => {
    const copying = definePolicy({
      name: 'copying',
      wrap: (next) => (call, operation) => next(call, (inner) => operation({ ...inner })),
    })
    const s = shielded(timeout(100), copying, bulkhead({ limit: 1 }))
    expect([await take(s.iterate(numbers), 3), inUse(s)]).toEqual([[1, 2, 3], 0])
  })

  test('runs the operation again: the items are not read a second time', async () => {
    const insistent = definePolicy({
      name: 'insistent',
      wrap: (next) => (call, operation) => next(call, operation).catch(() => next(call, operation)),
    })
    let opened = 0
    async function* failing() {
      yield 1
      throw new Error('down')
    }
    const items = shielded(insistent).iterate(() => {
      opened += 1
      return failing()
    })
    expect([await take(items, 3), opened]).toEqual(['down', 1])
  })

  test('gives the inner policies another key: the retry outside knows that items were delivered', async () => {
    const renaming = definePolicy({
      name: 'renaming',
      wrap: (next) => (call, operation) => next({ ...call, key: 'other' } as Call, operation),
    })
    const items = shielded(retry({ backoff: constant(0) }), renaming).iterate(async function* () {
      yield 1
      throw new Error('down')
    })
    await items.next()
    const error = await items.next().catch((thrown) => thrown)
    expect(explain(error)?.policies[0]).toMatchObject({ name: 'retry', state: 'items were delivered' })
  })
})

test('a source that is opened too late is closed, and never read', async () => {
  const seen: string[] = []
  const late = source(() => seen.push('next'), { return: async () => seen.push('return') })
  const s = shielded(timeout(10), bulkhead({ limit: 1 }))
  const taken = take(
    s.iterate(() => new Promise<ItemSource<unknown>>((resolve) => void clock.setTimer(() => resolve(late), 20))),
    1,
  )
  await clock.advance(20)
  expect([await taken, seen, inUse(s)]).toEqual([expect.stringContaining('took longer than 10 ms'), ['return'], 0])
})

test('a fallback that classifies values replaces none after the first item', async () => {
  const s = shielded(fallback([9], { classify: () => 'failure' }))
  const replaced: unknown[] = []
  s.on('fallback', (event) => void replaced.push(event))
  const items = s.iterate(() => [1, 2])
  expect([await take(items, 3), replaced]).toEqual([[1, 2], []])
})

test('a deadline that passed while the event loop was blocked ends the iteration before its next item', async () => {
  const late = lateClock()
  let produced = 0
  const items = shield({ name: 's', clock: late }).iterate(
    function* () {
      for (;;) {
        produced += 1
        yield produced
      }
    },
    { deadline: 100 },
  )
  await items.next()
  late.block(200)
  const next = items.next().catch((error) => error.code)
  await late.fireDue()
  expect([await next, produced]).toEqual(['DEADLINE_EXCEEDED', 1])
})

test('a source that hangs after a slow reader is slow at the limit, not later', async () => {
  const trip = slowCallRate({ threshold: 1, slowerThan: 100, window: { calls: 1 }, minimumCalls: 1 })
  const breaker = circuitBreaker({ trip, openFor: '1h' })
  const items = shielded(breaker).iterate(async function* () {
    yield 1
    await hang()
  })
  await items.next()
  // The timer fires while the reader has the item, and once more after it.
  await clock.advance(1_050)
  void items.next()
  await clock.advance(100)
  expect(breaker.state).toBe('closed')
  await clock.advance(1)
  expect(breaker.state).toBe('open')
})
