import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RoomLog } from '../room-log.ts'
import { ALGORITHMS } from './setup.ts'

// The oracle of both algorithms is their definition, applied to what was actually used. A call that was settled counts with
// its actual cost at the instant at which it began, as if it had never been charged more.

interface Used {
  readonly at: number
  readonly cost: number
  actual: number
  readonly order: number
}

const settings = fc.record({
  limit: fc.integer({ min: 1, max: 12 }),
  perMs: fc.integer({ min: 1, max: 100 }),
  burst: fc.integer({ min: 1, max: 12 }),
})

const step = fc.record({
  afterMs: fc.integer({ min: 0, max: 60 }),
  cost: fc.integer({ min: 1, max: 12 }),
  /** Which earlier call to settle, from the newest; above the number of calls: none. */
  settles: fc.integer({ min: 0, max: 20 }),
  actual: fc.integer({ min: 0, max: 12 }),
})

test.each(ALGORITHMS)('a refund never invents permits: $name', ({ create, name }) => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 60 }), (given, steps) => {
      const limit = create(given)
      const used: Used[] = []
      const open: Used[] = []
      let now = 0
      for (const { afterMs, cost, settles, actual } of steps) {
        now += afterMs
        const settled = open[open.length - 1 - settles]
        if (settled !== undefined && actual <= settled.cost) {
          open.splice(open.indexOf(settled), 1)
          settled.actual = actual
          limit.settle(settled.order, settled.at, settled.cost, actual, now)
        }
        const available = limit.available(now)
        const permit = limit.tryAcquire(now, cost)
        expect(permit !== undefined).toBe(cost <= available)
        if (permit === undefined) continue
        const call = { at: permit, cost, actual: cost, order: limit.order }
        used.push(call)
        open.push(call)
        const { limit: perPeriod, perMs, burst } = given
        for (const { at: from } of used) {
          const sum = used.filter(({ at }) => at >= from).reduce((total, { actual }) => total + actual, 0)
          if (name.startsWith('token'))
            expect(sum * perMs).toBeLessThanOrEqual(burst * perMs + perPeriod * (now - from))
        }
        if (!name.startsWith('token')) {
          const sum = used.filter(({ at }) => at + perMs > now).reduce((total, { actual }) => total + actual, 0)
          expect(sum).toBeLessThanOrEqual(perPeriod)
        }
      }
    }),
    { numRuns: 3_000 },
  )
})

test.each(ALGORITHMS)('a debt is at most what a full limit has, and is paid with time: $name', ({ create }) => {
  fc.assert(
    fc.property(settings, fc.integer({ min: 1, max: 1_000_000 }), (given, actual) => {
      const limit = create(given)
      for (let call = 0; call < 3; call += 1) {
        const permit = limit.tryAcquire(0, 1)
        if (permit !== undefined) limit.settle(limit.order, permit, 1, actual, 0)
      }
      const at = limit.permitAtMs(0, 0)
      // The bucket fills from minus one burst; the window has at most twice its limit.
      expect(at).toBeLessThanOrEqual(((given.burst + 1) * given.perMs) / given.limit + given.perMs)
      expect(limit.available(0)).toBeGreaterThanOrEqual(0)
      expect(limit.tryAcquire(at)).toBe(at)
    }),
    { numRuns: 500 },
  )
})

test.each(ALGORITHMS)('the instant of a permit is exact for a cost: $name', ({ create }) => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (given, steps, cost) => {
      const limit = create(given)
      let now = 0
      for (const { afterMs, cost: earlier } of steps) {
        now += afterMs
        limit.tryAcquire(now, earlier)
      }
      if (cost > limit.costMax) {
        expect(limit.tryAcquire(1e9, cost)).toBe(undefined)
        return
      }
      const at = limit.permitAtMs(cost - 1, now)
      if (at > now) expect(limit.tryAcquire(at - 1e-3, cost)).toBe(undefined)
      expect(limit.tryAcquire(at, cost)).toBe(at)
    }),
    { numRuns: 1_000 },
  )
})

test('gives back all of an unused charge if nothing was taken since', () => {
  for (const { create } of ALGORITHMS) {
    const limit = create({ limit: 10, perMs: 1_000, burst: 10 })
    const permit = limit.tryAcquire(0, 7) as number
    expect(limit.available(0)).toBe(3)
    limit.settle(limit.order, permit, 7, 2, 0)
    expect(limit.available(0)).toBe(8)
  }
})

test('gives back nothing that a full bucket would have lost', () => {
  const [bucket] = ALGORITHMS.map(({ create }) => create({ limit: 10, perMs: 1_000, burst: 10 }))
  const permit = bucket?.tryAcquire(0, 10) as number
  const { order = 0 } = bucket ?? {}
  // It is full again, and another call takes everything.
  expect(bucket?.tryAcquire(5_000, 10)).toBe(5_000)
  bucket?.settle(order, permit, 10, 1, 5_000)
  expect(bucket?.available(5_000)).toBe(0)
})

test('the log of rooms is short, and errs on the side of less room', () => {
  const log = new RoomLog()
  for (let room = 0; room < 1_000; room += 1) log.took(room)
  expect(log.order).toBe(1_000)
  // The call that was taken as number 990 was followed by rooms from 990 on.
  expect(log.leastSince(990)).toBe(990)
  expect(log.leastSince(10)).toBeLessThanOrEqual(10)
  expect(log.leastSince(1_000)).toBe(Number.POSITIVE_INFINITY)
})

test('a second refund takes the first one into account', () => {
  const [bucket] = ALGORITHMS.map(({ create }) => create({ limit: 10, perMs: 1_000, burst: 10 }))
  const charge = (now: number) => ({ permit: bucket?.tryAcquire(now, 5) as number, order: bucket?.order as number })
  const first = charge(0)
  const second = charge(0)
  charge(500)
  // Without the first two, the bucket would have been full before the third: it would have 5 permits now.
  for (const { permit, order } of [first, second]) bucket?.settle(order, permit, 5, 0, 500)
  expect(bucket?.available(500)).toBe(5)
})
