import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delayUntil, later } from '../rate-limit.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { TokenBucket } from '../token-bucket.ts'
import { ALGORITHMS, type Case } from './setup.ts'

// Both algorithms against oracles that remember every permit and are nothing but their own definition, in whole numbers.

const settings: fc.Arbitrary<Case> = fc.record({
  limit: fc.integer({ min: 1, max: 12 }),
  perMs: fc.integer({ min: 1, max: 200 }),
  burst: fc.integer({ min: 1, max: 12 }),
})

type Step = { readonly do: 'take' | 'giveBack' | 'look'; readonly waitMs: number; readonly back: number }
const steps = (waitMs: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      do: fc.oneof(
        { weight: 6, arbitrary: fc.constant('take' as const) },
        { weight: 1, arbitrary: fc.constant('giveBack' as const) },
        { weight: 1, arbitrary: fc.constant('look' as const) },
      ),
      waitMs,
      back: fc.nat(4),
    }),
    { maxLength: 120, size: 'max' },
  )
/** Nothing, a moment, about the time in question, and a process that was blocked for a long while. */
const waits = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 1, arbitrary: fc.constant(30_000) },
)

describe.each(ALGORITHMS)('$name', ({ create, allows }) => {
  test('lets through all that its definition allows, and nothing else; what is given back is there again', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: -1_000, max: 1_000 }), steps(waits), (how, startMs, todo) => {
        const limit = create(how)
        let taken: number[] = []
        let now = startMs
        let newest = Number.NaN
        for (const step of todo) {
          now += step.waitMs
          if (step.do === 'take') {
            const allowed = allows(taken, now, how)
            expect(limit.tryTake(now)).toBe(allowed ? now : undefined)
            if (!allowed) continue
            taken.push(now)
            newest = now
          } else if (step.do === 'giveBack') {
            // All that was taken at the newest instant, as of calls that are cut together.
            if (taken.length === 0 || taken.at(-1) !== newest) continue
            limit.giveBack(taken.pop() as number, now)
          } else {
            let more = 0
            const then = [...taken]
            while (allows(then, now, how)) {
              then.push(now)
              more += 1
            }
            expect(limit.available(now)).toBe(more)
          }
          // What is over cannot matter any more; the oracle would only become slow.
          taken = taken.slice(-60)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps to its definition whatever is given back, also what was taken before others', () => {
    fc.assert(
      fc.property(settings, steps(waits), (how, todo) => {
        const limit = create(how)
        let taken: number[] = []
        let now = 0
        for (const step of todo) {
          now += step.waitMs
          if (step.do === 'giveBack') {
            const [permit] = taken.splice(Math.max(0, taken.length - 1 - step.back), 1)
            if (permit !== undefined) limit.giveBack(permit, now)
          } else if (limit.tryTake(now) !== undefined) {
            expect(allows(taken, now, how)).toBe(true)
            taken.push(now)
          }
          taken = taken.slice(-60)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('says when the next permit comes: at that instant a call passes, a hair before it does not', () => {
    const fraction = fc.double({ min: 0, max: 500, noNaN: true })
    fc.assert(
      fc.property(settings, fraction, steps(fc.oneof(waits, fraction)), (how, startMs, todo) => {
        const limit = create(how)
        let now = startMs
        for (const { waitMs } of todo) {
          now += waitMs
          if (limit.tryTake(now) !== undefined) continue
          const atMs = limit.permitAtMs(0, now)
          const delayMs = delayUntil(atMs, now)
          expect(delayMs).toBeGreaterThan(0)
          const hairMs = (now + delayMs) * 1e-14
          expect(limit.tryTake(now + delayMs - hairMs)).toBeUndefined()
          expect(limit.available(now + delayMs - hairMs)).toBe(0)
          now += delayMs
          expect(limit.available(now)).toBeGreaterThan(0)
          expect(limit.permitAtMs(0, now)).toBe(now)
          expect(limit.tryTake(now)).toBe(now)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('says when a permit comes behind others, as it turns out when they take theirs', () => {
    fc.assert(
      fc.property(settings, steps(waits), fc.integer({ min: 0, max: 40 }), (how, todo, ahead) => {
        const limit = create(how)
        let now = 0
        for (const { waitMs } of todo) {
          now += waitMs
          limit.tryTake(now)
        }
        const told = Array.from({ length: ahead + 1 }, (_, before) => limit.permitAtMs(before, now))
        for (const atMs of told) {
          now += delayUntil(limit.permitAtMs(0, now), now)
          expect(Math.abs(atMs - now)).toBeLessThanOrEqual(now * 1e-12)
          expect(limit.tryTake(now)).toBe(now)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a clock that goes back gives nothing', () => {
    fc.assert(
      fc.property(settings, fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 60 }), (how, jumps) => {
        const limit = create(how)
        let now = 0
        let newest = Number.NEGATIVE_INFINITY
        const taken: number[] = []
        for (const jump of jumps) {
          now += jump
          for (let n = 0; n < 3; n += 1) {
            // Time stands still at the newest instant at which one was taken: it gives nothing, and it takes nothing.
            const at = Math.max(newest, now)
            const allowed = allows(taken, at, how)
            expect(limit.tryTake(now)).toBe(allowed ? at : undefined)
            if (!allowed) break
            newest = at
            taken.push(newest)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a permit that is given back is there again, once', () => {
    const limit = create({ limit: 2, perMs: 1_000, burst: 2 })
    const [first] = [limit.tryTake(0) as number, limit.tryTake(0) as number]
    expect(limit.tryTake(10)).toBeUndefined()
    limit.giveBack(first, 10)
    expect([limit.available(10), limit.tryTake(10), limit.tryTake(10)]).toEqual([1, 10, undefined])
  })
})

test('a token bucket gives no burst of credit after 30 s in which nobody looked', () => {
  const bucket = new TokenBucket({ limit: 100, perMs: 1_000, burst: 5 })
  for (let n = 0; n < 5; n += 1) bucket.tryTake(0)
  expect(bucket.available(30_000)).toBe(5)
  let passed = 0
  while (bucket.tryTake(30_000) !== undefined) passed += 1
  expect(passed).toBe(5)
})

test('what a sliding window is given back is free, and what was taken after it stays taken', () => {
  const window = new SlidingWindow({ limit: 3, perMs: 100 })
  for (const at of [0, 10, 20]) window.tryTake(at)
  window.giveBack(10)
  expect([window.tryTake(30), window.tryTake(30)]).toEqual([30, undefined])
  expect([window.tryTake(100), window.tryTake(119), window.tryTake(120)]).toEqual([100, undefined, 120])
})

test('a token bucket takes back all that could still be in it', () => {
  const bucket = new TokenBucket({ limit: 1, perMs: 100, burst: 3 })
  for (const at of [0, 0, 0]) bucket.tryTake(at)
  bucket.tryTake(150)
  // Taken before another one, from a bucket that never was near full since.
  bucket.giveBack(0, 160)
  expect([bucket.available(160), bucket.tryTake(160), bucket.tryTake(160)]).toEqual([1, 160, undefined])
})

test('permits of whole milliseconds lose nothing to rounding: a third of a second, a million times', () => {
  const bucket = new TokenBucket({ limit: 3, perMs: 1_000, burst: 3 })
  let now = 0
  for (let n = 0; n < 1_000_000; n += 1) {
    for (let call = 0; call < 3; call += 1) if (bucket.tryTake(now) === undefined) throw new Error(`lost at ${now}`)
    if (bucket.tryTake(now) !== undefined) throw new Error(`too much at ${now}`)
    now += 1_000
  }
})

test('a sliding window of a million calls takes room as they come, and forgets them all in one step', () => {
  const window = new SlidingWindow({ limit: 1_000_000, perMs: 1_000 })
  for (let n = 0; n < 1_000_000; n += 1) window.tryTake(n / 1_000)
  expect([window.available(999), window.tryTake(999.5)]).toEqual([0, undefined])
  expect(window.permitAtMs(0, 999.5)).toBe(1_000)
  expect(window.available(1_500)).toBe(500_001)
  expect(window.available(3_000)).toBe(1_000_000)
  expect(window.tryTake(3_000)).toBe(3_000)
})

test('a delay reaches its instant, whatever is lost by rounding', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (now, ms) => {
        const atMs = now + ms
        const delayMs = delayUntil(atMs, now)
        expect(now + delayMs).toBeGreaterThanOrEqual(atMs)
        expect(now + delayMs).toBeLessThanOrEqual(later(later(atMs)))
      },
    ),
    { numRuns: 2_000 },
  )
  expect([later(0) > 0, delayUntil(5, 5), delayUntil(5, 6)]).toEqual([true, 0, 0])
})
