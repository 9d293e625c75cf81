import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Round, Rounds } from '../rounds.ts'
import { type Sample, samples } from './setup.ts'

// The oracle: keeps every sample of the round and works it all out anew at each one.
class Naive {
  #startMs = Number.NaN
  #taken: Sample[] = []

  add(sample: Sample): Round | undefined {
    const { rttMs, lost, now } = sample
    if (rttMs < 0 || (!lost && rttMs < 0.1)) return undefined
    if (Number.isNaN(this.#startMs)) this.#startMs = now - rttMs
    this.#taken.push(sample)
    const own = (one: Sample): boolean => one.now - one.rttMs >= this.#startMs
    const inFlight = (upTo: number): number =>
      Math.max(0, ...this.#taken.slice(0, upTo).flatMap((one) => (own(one) ? [one.inFlight] : [])))
    const settledAt = this.#taken.findIndex((_, index) => {
      const owned = this.#taken.slice(0, index + 1).filter(own).length
      return owned > 0 && owned >= inFlight(index + 1) / 2
    })
    if (settledAt === -1) return undefined
    const counted = this.#taken.slice(settledAt + 1)
    if (counted.length < 30 || counted.length < inFlight(this.#taken.length) || now - this.#startMs < 100) return
    const answered = counted.filter((one) => !one.lost)
    const round: Round = {
      rttMs: answered.length === 0 ? 0 : answered.reduce((sum, one) => sum + one.rttMs, 0) / answered.length,
      inFlight: inFlight(this.#taken.length),
      congested: (counted.length - answered.length) / counted.length >= 0.1,
    }
    this.#startMs = now
    this.#taken = []
    return round
  }
}

test('at any sequence of calls the rounds are those of an oracle that keeps every call', () => {
  let ended = 0
  fc.assert(
    fc.property(samples(), (sequence) => {
      const [rounds, naive] = [new Rounds(), new Naive()]
      for (const sample of sequence) {
        const round = rounds.add(sample.rttMs, sample.inFlight, sample.lost, sample.now)
        const expected = naive.add(sample)
        if (expected === undefined) expect(round).toBeUndefined()
        else {
          ended += 1
          expect(round).toEqual({ ...expected, rttMs: expect.closeTo(expected.rttMs, 6) })
        }
      }
    }),
    { numRuns: 100 },
  )
  expect(ended).toBeGreaterThan(100)
})

test('a call that began before the round does not settle it, and what is quicker than a dependency can be is no call', () => {
  const rounds = new Rounds()
  const feed = (count: number, rttMs: number, now: number): (Round | undefined)[] =>
    Array.from({ length: count }, () => rounds.add(rttMs, 1, false, now))
  // One settles, thirty are taken, and 100 ms have passed since the first began.
  expect(feed(31, 100, 100).map((round) => round !== undefined)).toEqual([...Array(30).fill(false), true])
  expect(feed(500, 150, 200).every((round) => round === undefined)).toBe(true)
  expect(feed(500, 0.05, 300).every((round) => round === undefined)).toBe(true)
  expect(feed(500, Number.NaN, 300).every((round) => round === undefined)).toBe(true)
  expect(feed(31, 100, 300).at(-1)).toEqual({ rttMs: 100, inFlight: 1, congested: false })
})

test('a tenth of lost calls is congestion, less is an accident, and a lost call tells nothing about the time', () => {
  for (const [lost, congested] of [
    [0, false],
    [2, false],
    [3, true],
    [30, true],
  ] as const) {
    const rounds = new Rounds()
    rounds.add(100, 1, false, 100)
    const ended = Array.from({ length: 30 }, (_, n) => rounds.add(n < lost ? 0 : 100, 1, n < lost, 100 + n / 1_000)).at(
      -1,
    )
    expect([lost, ended?.congested]).toEqual([lost, congested])
    expect(ended?.rttMs).toBe(lost === 30 ? 0 : 100)
  }
})
