import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delayUntil, nextInstant } from '../rate-limit.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { TokenBucket } from '../token-bucket.ts'
import { ALGORITHMS, type Case } from './setup.ts'

// Both algorithms against oracles that store every permit and apply the definition literally, in whole numbers.

const settings: fc.Arbitrary<Case> = fc.record({
  limit: fc.integer({ min: 1, max: 12 }),
  perMs: fc.integer({ min: 1, max: 200 }),
  burst: fc.integer({ min: 1, max: 12 }),
})

type Step = { readonly do: 'take' | 'giveBack' | 'count'; readonly waitMs: number; readonly back: number }
const steps = (waitMs: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      do: fc.oneof(
        { weight: 6, arbitrary: fc.constant('take' as const) },
        { weight: 1, arbitrary: fc.constant('giveBack' as const) },
        { weight: 1, arbitrary: fc.constant('count' as const) },
      ),
      waitMs,
      back: fc.nat(4),
    }),
    { maxLength: 120, size: 'max' },
  )
/** No wait, a short one, one of about `perMs`, and an event loop that was blocked for a long time. */
const waits = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 1, arbitrary: fc.constant(30_000) },
)

describe.each(ALGORITHMS)('$name', ({ create, allows }) => {
  test('grants exactly the permits that its definition allows, also after some are given back', () => {
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
            expect(limit.tryAcquire(now)).toBe(allowed ? now : undefined)
            if (!allowed) continue
            taken.push(now)
            newest = now
          } else if (step.do === 'giveBack') {
            // Only permits of the newest instant, like those of calls that are cancelled together.
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
          // Older permits have no effect any more, and would only slow the oracle down.
          taken = taken.slice(-60)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('never exceeds its definition when older permits are given back', () => {
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
          } else if (limit.tryAcquire(now) !== undefined) {
            expect(allows(taken, now, how)).toBe(true)
            taken.push(now)
          }
          taken = taken.slice(-60)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('computes exactly when the next permit comes: no call passes a moment earlier', () => {
    const fraction = fc.double({ min: 0, max: 500, noNaN: true })
    fc.assert(
      fc.property(settings, fraction, steps(fc.oneof(waits, fraction)), (how, startMs, todo) => {
        const limit = create(how)
        let now = startMs
        for (const { waitMs } of todo) {
          now += waitMs
          if (limit.tryAcquire(now) !== undefined) continue
          const atMs = limit.permitAtMs(0, now)
          const delayMs = delayUntil(atMs, now)
          expect(delayMs).toBeGreaterThan(0)
          const momentMs = (now + delayMs) * 1e-14
          expect(limit.tryAcquire(now + delayMs - momentMs)).toBeUndefined()
          expect(limit.available(now + delayMs - momentMs)).toBe(0)
          now += delayMs
          expect(limit.available(now)).toBeGreaterThan(0)
          expect(limit.permitAtMs(0, now)).toBe(now)
          expect(limit.tryAcquire(now)).toBe(now)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('computes when a permit comes after `ahead` others have taken theirs', () => {
    fc.assert(
      fc.property(settings, steps(waits), fc.integer({ min: 0, max: 40 }), (how, todo, ahead) => {
        const limit = create(how)
        let now = 0
        for (const { waitMs } of todo) {
          now += waitMs
          limit.tryAcquire(now)
        }
        const expected = Array.from({ length: ahead + 1 }, (_, before) => limit.permitAtMs(before, now))
        for (const atMs of expected) {
          now += delayUntil(limit.permitAtMs(0, now), now)
          expect(Math.abs(atMs - now)).toBeLessThanOrEqual(now * 1e-12)
          expect(limit.tryAcquire(now)).toBe(now)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('gives nothing when the clock goes back', () => {
    fc.assert(
      fc.property(settings, fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 60 }), (how, jumps) => {
        const limit = create(how)
        let now = 0
        let newest = Number.NEGATIVE_INFINITY
        const taken: number[] = []
        for (const jump of jumps) {
          now += jump
          for (let n = 0; n < 3; n += 1) {
            // Time stops at the newest instant at which a permit was taken: it neither gives nor takes permits.
            const at = Math.max(newest, now)
            const allowed = allows(taken, at, how)
            expect(limit.tryAcquire(now)).toBe(allowed ? at : undefined)
            if (!allowed) break
            newest = at
            taken.push(newest)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('grants a permit that was given back once more', () => {
    const limit = create({ limit: 2, perMs: 1_000, burst: 2 })
    const [first] = [limit.tryAcquire(0) as number, limit.tryAcquire(0) as number]
    expect(limit.tryAcquire(10)).toBeUndefined()
    limit.giveBack(first, 10)
    expect([limit.available(10), limit.tryAcquire(10), limit.tryAcquire(10)]).toEqual([1, 10, undefined])
  })
})

test('a token bucket grants at most `burst` permits after 30 s without a call', () => {
  const bucket = new TokenBucket({ limit: 100, perMs: 1_000, burst: 5 })
  for (let n = 0; n < 5; n += 1) bucket.tryAcquire(0)
  expect(bucket.available(30_000)).toBe(5)
  let passed = 0
  while (bucket.tryAcquire(30_000) !== undefined) passed += 1
  expect(passed).toBe(5)
})

test('a sliding window frees a permit that is given back, and no later one', () => {
  const window = new SlidingWindow({ limit: 3, perMs: 100 })
  for (const at of [0, 10, 20]) window.tryAcquire(at)
  window.giveBack(10)
  expect([window.tryAcquire(30), window.tryAcquire(30)]).toEqual([30, undefined])
  expect([window.tryAcquire(100), window.tryAcquire(119), window.tryAcquire(120)]).toEqual([100, undefined, 120])
})

test('a token bucket takes back a permit that could still be in it', () => {
  const bucket = new TokenBucket({ limit: 1, perMs: 100, burst: 3 })
  for (const at of [0, 0, 0]) bucket.tryAcquire(at)
  bucket.tryAcquire(150)
  // Taken before another permit, from a bucket that was never close to full since.
  bucket.giveBack(0, 160)
  expect([bucket.available(160), bucket.tryAcquire(160), bucket.tryAcquire(160)]).toEqual([1, 160, undefined])
})

test('a token bucket loses nothing to rounding in a million refills of whole milliseconds', () => {
  const bucket = new TokenBucket({ limit: 3, perMs: 1_000, burst: 3 })
  let now = 0
  for (let n = 0; n < 1_000_000; n += 1) {
    for (let call = 0; call < 3; call += 1) if (bucket.tryAcquire(now) === undefined) throw new Error(`lost at ${now}`)
    if (bucket.tryAcquire(now) !== undefined) throw new Error(`too much at ${now}`)
    now += 1_000
  }
})

test('a sliding window stores a million permits and expires them all in one step', () => {
  const window = new SlidingWindow({ limit: 1_000_000, perMs: 1_000 })
  for (let n = 0; n < 1_000_000; n += 1) window.tryAcquire(n / 1_000)
  expect([window.available(999), window.tryAcquire(999.5)]).toEqual([0, undefined])
  expect(window.permitAtMs(0, 999.5)).toBe(1_000)
  expect(window.available(1_500)).toBe(500_001)
  expect(window.available(3_000)).toBe(1_000_000)
  expect(window.tryAcquire(3_000)).toBe(3_000)
})

test('delayUntil() never ends too early because of rounding', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (now, ms) => {
        const atMs = now + ms
        const delayMs = delayUntil(atMs, now)
        expect(now + delayMs).toBeGreaterThanOrEqual(atMs)
        expect(now + delayMs).toBeLessThanOrEqual(nextInstant(nextInstant(atMs)))
      },
    ),
    { numRuns: 2_000 },
  )
  expect([nextInstant(0) > 0, delayUntil(5, 5), delayUntil(5, 6)]).toEqual([true, 0, 0])
})
