import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Round, Rounds } from '../rounds.ts'
import { type Sample, samples } from './setup.ts'

/** The oracle: stores every sample of the round, and computes everything again for each one. */
class NaiveRounds {
  #startMs = Number.NaN
  #samples: Sample[] = []

  add(sample: Sample): Round | undefined {
    const { rttMs, dropped, now } = sample
    if (rttMs < 0 || (!dropped && rttMs < 0.1)) return undefined
    if (Number.isNaN(this.#startMs)) this.#startMs = now - rttMs
    this.#samples.push(sample)
    const startedHere = ({ now, rttMs }: Sample): boolean => now - rttMs >= this.#startMs
    const inFlight = (upTo: number): number =>
      Math.max(
        0,
        ...this.#samples
          .slice(0, upTo)
          .filter(startedHere)
          .map(({ inFlight }) => inFlight),
      )
    const countedFrom = this.#samples.findIndex((_, index) => {
      const started = this.#samples.slice(0, index + 1).filter(startedHere).length
      return started > 0 && started >= inFlight(index + 1) / 2
    })
    if (countedFrom === -1) return undefined
    const counted = this.#samples.slice(countedFrom + 1)
    if (counted.length < 30 || counted.length < inFlight(this.#samples.length) || now - this.#startMs < 100) return
    const answered = counted.filter(({ dropped }) => !dropped)
    const round: Round = {
      rttMs: answered.length === 0 ? 0 : answered.reduce((sum, { rttMs }) => sum + rttMs, 0) / answered.length,
      inFlight: inFlight(this.#samples.length),
      congested: (counted.length - answered.length) / counted.length >= 0.1,
    }
    this.#startMs = now
    this.#samples = []
    return round
  }
}

test('agrees with an oracle that stores every call, for any sequence of calls', () => {
  let ended = 0
  fc.assert(
    fc.property(samples(), (sequence) => {
      const [rounds, naive] = [new Rounds(), new NaiveRounds()]
      for (const sample of sequence) {
        const round = rounds.add(sample.rttMs, sample.inFlight, sample.dropped, sample.now)
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

test('does not count calls until one has started in the round, nor impossibly fast ones', () => {
  const rounds = new Rounds()
  const feed = (count: number, rttMs: number, now: number): (Round | undefined)[] =>
    Array.from({ length: count }, () => rounds.add(rttMs, 1, false, now))
  // One call is awaited, thirty are counted, and 100 ms have passed since the first one started.
  expect(feed(31, 100, 100).map((round) => round !== undefined)).toEqual([...Array(30).fill(false), true])
  expect(feed(500, 150, 200).every((round) => round === undefined)).toBe(true)
  expect(feed(500, 0.05, 300).every((round) => round === undefined)).toBe(true)
  expect(feed(500, Number.NaN, 300).every((round) => round === undefined)).toBe(true)
  expect(feed(31, 100, 300).at(-1)).toEqual({ rttMs: 100, inFlight: 1, congested: false })
})

test('is congested if a tenth of the calls are dropped; these do not count for the average', () => {
  for (const [dropped, congested] of [
    [0, false],
    [2, false],
    [3, true],
    [30, true],
  ] as const) {
    const rounds = new Rounds()
    rounds.add(100, 1, false, 100)
    const ended = Array.from({ length: 30 }, (_, n) =>
      rounds.add(n < dropped ? 0 : 100, 1, n < dropped, 100 + n / 1_000),
    ).at(-1)
    expect([dropped, ended?.congested]).toEqual([dropped, congested])
    expect(ended?.rttMs).toBe(dropped === 30 ? 0 : 100)
  }
})
