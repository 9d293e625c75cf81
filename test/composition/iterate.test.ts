import { setImmediate } from 'node:timers/promises'
import {
  type AnyPolicy,
  bulkhead,
  type CircuitBreaker,
  circuitBreaker,
  constant,
  definePolicy,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

// `iterate` beside `run`: the same operation, once item by item and once as a list inside `run`, has the same result, the
// same attempts and the same verdict. However an iteration ends, each permit comes back exactly once, and the source is
// closed exactly once.

type End = 'read' | 'break' | 'throw' | 'abort' | 'deadline' | 'abandon'

const scenario = fc.record({
  items: fc.integer({ min: 0, max: 6 }),
  /** The item at which the source throws, 0 for before the first; above `items`: never. */
  failsAt: fc.integer({ min: 0, max: 12 }),
  failedAttempts: fc.integer({ min: 0, max: 3 }),
  sourceMs: fc.integer({ min: 0, max: 4 }),
  readerMs: fc.integer({ min: 0, max: 40 }),
  end: fc.constantFrom<End>('read', 'break', 'throw', 'abort', 'deadline', 'abandon'),
  endsAfter: fc.integer({ min: 1, max: 6 }),
  order: fc.shuffledSubarray(['timeout', 'bulkhead', 'breaker', 'custom'] as const),
  limit: fc.integer({ min: 1, max: 3 }),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never

function setUp({ items, failsAt, failedAttempts, sourceMs, order, limit }: Scenario) {
  const clock = virtualClock()
  const pass = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))
  const seen = { opened: 0, closed: 0, busy: 0, busyMax: 0 }
  const breaker: CircuitBreaker = circuitBreaker()
  const policies: Record<Scenario['order'][number], AnyPolicy> = {
    timeout: timeout(1_000),
    bulkhead: bulkhead({ limit, name: 'inner' }),
    breaker,
    custom: definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) }),
  }
  const s = shield(
    { name: 's', clock },
    bulkhead({ limit, name: 'outer' }),
    retry({ maxRetries: 2, backoff: constant(1) }),
    ...(order.map((name) => policies[name]) as never[]),
  ) as unknown as Shield
  async function* source(attempt: number): AsyncGenerator<number> {
    seen.opened += 1
    seen.busy += 1
    seen.busyMax = Math.max(seen.busyMax, seen.busy)
    try {
      if (attempt <= failedAttempts) throw new Error('not yet')
      for (let item = 0; item < items; item += 1) {
        if (item === failsAt) throw new Error('down')
        if (sourceMs > 0) await pass(sourceMs)
        yield item
      }
    } finally {
      seen.busy -= 1
      seen.closed += 1
    }
  }
  const inUse = (): unknown[] =>
    s
      .status()
      .policies.filter(({ type }) => type === 'bulkhead')
      .map((status) => status['inUse'])
  const verdicts = (): unknown =>
    order.includes('breaker') ? s.status().policies.find(({ type }) => type === 'circuitBreaker') : 0
  return { clock, pass, s, source, seen, inUse, verdicts }
}

async function settle(clock: ReturnType<typeof virtualClock>, work: Promise<unknown>): Promise<void> {
  let done = false
  void work.finally(() => {
    done = true
  })
  for (let step = 0; step < 400 && !done; step += 1) await clock.advance(1)
  expect(done).toBe(true)
  // The source may be waiting when its call is cancelled.
  await clock.advance(50)
  for (let tick = 0; tick < 3; tick += 1) await setImmediate()
}

const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => ({ value }),
    (error) => ({ error: error.message }),
  )

test('reads what run() returns as a list, with the same attempts and the same verdict', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      // A failure after an item is retried by run() alone.
      const whole = { ...given, failsAt: given.failsAt % 2 === 0 ? 0 : 99 }
      const [one, two] = [setUp(whole), setUp(whole)]
      const list: number[] = []
      const iterated = outcomeOf(
        (async () => {
          for await (const item of one.s.iterate(({ attempt }) => one.source(attempt))) list.push(item)
          return list
        })(),
      )
      const ran = outcomeOf(
        two.s.run(async ({ attempt }) => {
          const items: number[] = []
          for await (const item of two.source(attempt)) items.push(item)
          return items
        }),
      )
      await settle(one.clock, iterated)
      await settle(two.clock, ran)
      expect(await iterated).toEqual(await ran)
      expect([one.seen, one.inUse(), one.verdicts()]).toEqual([two.seen, two.inUse(), two.verdicts()])
    }),
    { numRuns: 300 },
  )
})

test('gives back each permit once, and closes the source once, however it ends', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, fc.integer({ min: 1, max: 5 }), async (given, readers) => {
      const { clock, pass, s, source, seen, inUse } = setUp(given)
      const { end, endsAfter, readerMs } = given
      const read = async (): Promise<void> => {
        const controller = new AbortController()
        const options = end === 'deadline' ? { deadline: endsAfter * 10 } : { signal: controller.signal }
        const items = s.iterate(({ attempt }) => source(attempt), options)
        let read = 0
        for await (const _ of items) {
          read += 1
          if (readerMs > 0) await pass(readerMs)
          if (read < endsAfter) continue
          if (end === 'break') break
          if (end === 'throw') throw new Error('of the reader')
          if (end === 'abort') controller.abort()
          if (end === 'abandon') {
            void items.return()
            return
          }
        }
      }
      await settle(clock, Promise.all(Array.from({ length: readers }, () => outcomeOf(read()))))
      expect([inUse().every((count) => count === 0), seen.busy, seen.closed]).toEqual([true, 0, seen.opened])
      expect(seen.busyMax).toBeLessThanOrEqual(given.limit)
    }),
    { numRuns: 500 },
  )
})
