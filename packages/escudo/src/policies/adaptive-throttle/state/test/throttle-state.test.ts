import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ThrottleState } from '../throttle-state.ts'

const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.constantFrom(2_000, 3_600_000)),
    accept: fc.boolean(),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
  { maxLength: 200, size: 'max' },
)

test('p = max(0, (requests − k · accepts)/(requests + 1)), rejected requests included', () => {
  const lengthMs = 2_000
  fc.assert(
    fc.property(fc.double({ min: 1, max: 5, noNaN: true }), steps, (k, todo) => {
      const throttle = new ThrottleState(k, lengthMs)
      const requestsAt: number[] = []
      const acceptsAt: number[] = []
      let now = 5_000
      // A window moves in steps of a twentieth of its length, at multiples of it.
      const inWindow = (instants: readonly number[]): number =>
        instants.filter((at) => Math.floor(now / 100) - Math.floor(at / 100) < 20).length
      for (const { afterMs, accept, chance } of todo) {
        now += afterMs
        const [requests, accepts] = [inWindow(requestsAt), inWindow(acceptsAt)]
        const probability = Math.max(0, (requests - k * accepts) / (requests + 1))
        expect([throttle.requests(now), throttle.accepts(now)]).toEqual([requests, accepts])
        expect(throttle.rejectionProbability(now)).toBe(probability)
        expect(throttle.admit(now, () => chance)).toBe(chance >= probability)
        requestsAt.push(now)
        expect(throttle.requests(now)).toBe(requests + 1)
        if (!accept) continue
        throttle.accept(now)
        acceptsAt.push(now)
      }
    }),
    { numRuns: 300 },
  )
})

test('rejects no request while one in k is accepted, and draws no random number', () => {
  const throttle = new ThrottleState(2, 10_000)
  const chance = (): number => {
    throw new Error('drawn')
  }
  for (let n = 0; n < 1_000; n += 1) {
    expect(throttle.admit(n, chance)).toBe(true)
    throttle.accept(n)
    // For each accepted request, one that is not accepted.
    expect(throttle.admit(n, chance)).toBe(true)
  }
})

test('admits about one request per window if none is accepted, whatever the load', () => {
  for (const perSecond of [10, 100, 1_000]) {
    let seed = 1
    const random = (): number => {
      seed = (seed * 16_807) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const throttle = new ThrottleState(2, 10_000)
    const everyMs = 1_000 / perSecond
    let sent = 0
    for (let now = 0; now < 1_010_000; now += everyMs) {
      // The first window is not counted, because it starts without requests.
      if (throttle.admit(now, random) && now >= 10_000) sent += 1
    }
    expect(sent).toBeGreaterThan(70)
    expect(sent).toBeLessThan(135)
  }
})

test('rejects all or nothing if the random source is broken', () => {
  for (const [chance, admitted] of [
    [Number.NaN, true],
    [-5, false],
    [2, true],
  ] as const) {
    const throttle = new ThrottleState(2, 1_000)
    throttle.admit(0, () => chance)
    expect(throttle.admit(0, () => chance)).toBe(admitted)
  }
})

test('forgets nothing and continues to count when the clock goes back', () => {
  const throttle = new ThrottleState(2, 1_000)
  throttle.admit(5_000, () => 0.99)
  throttle.accept(100)
  expect([throttle.requests(0), throttle.accepts(5_000)]).toEqual([1, 1])
})
