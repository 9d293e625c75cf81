import fc from 'fast-check'
import type { ConcurrencyLimit, LimitAlgorithm, LimitSettings } from '../limit.ts'
import { type Round, Rounds } from '../rounds.ts'

/** The arguments of one `onSample`. */
export interface Sample {
  readonly rttMs: number
  readonly inFlight: number
  readonly dropped: boolean
  readonly now: number
}

/** Calls in stretches, each with a different latency and load, so that the rounds differ. */
export function samples(): fc.Arbitrary<Sample[]> {
  const stretch = fc.record({
    calls: fc.integer({ min: 1, max: 200 }),
    rttMs: fc.double({ min: 0.05, max: 500, noNaN: true }),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    inFlight: fc.integer({ min: 1, max: 60 }),
    droppedShare: fc.constantFrom(0, 0, 0, 0.02, 0.2, 1),
    seed: fc.nat(),
  })
  return fc.array(stretch, { minLength: 1, maxLength: 12 }).map((stretches) => {
    const samples: Sample[] = []
    let now = 1_000
    for (const { calls, rttMs, spread, inFlight, droppedShare, seed } of stretches) {
      for (let n = 0; n < calls; n += 1) {
        // Any distribution will do, if it is reproducible.
        const random = ((seed + n * 7_919) % 1_000) / 1_000
        const durationMs = rttMs * (1 - spread + 2 * spread * random)
        now += durationMs / inFlight
        samples.push({
          rttMs: durationMs,
          inFlight: 1 + ((n + seed) % inFlight),
          dropped: (n * 0.618) % 1 < droppedShare,
          now,
        })
      }
    }
    return samples
  })
}

/** Bounds, and a first limit within them. */
export function settingsOf(): fc.Arbitrary<LimitSettings> {
  return fc
    .tuple(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([min, range, position]) => ({
      min,
      max: min + range,
      initial: min + Math.floor(range * position),
    }))
}

/**
 * Gives a limit the samples of a sequence.
 *
 * Calls `each` after every round, with the limit before and after it, so that a model can be compared by rounds.
 */
export function alongside(
  limit: ConcurrencyLimit,
  sequence: readonly Sample[],
  each: (round: Round, before: number, after: number) => void,
): void {
  const rounds = new Rounds()
  for (const { rttMs, inFlight, dropped, now } of sequence) {
    const before = limit.limit()
    const round = rounds.add(rttMs, inFlight, dropped, now)
    limit.onSample(rttMs, inFlight, dropped, now)
    if (round !== undefined) each(round, before, limit.limit())
    else if (limit.limit() !== before) throw new Error('the limit changed within a round')
  }
}

/** Gives a limit whole rounds of equal calls; the time advances by itself. */
export class RoundFeeder {
  readonly limit: ConcurrencyLimit
  #now = 0

  constructor(algorithm: LimitAlgorithm, settings: Partial<LimitSettings> = {}) {
    this.limit = algorithm.create({ min: 1, max: 1_000, initial: 20, ...settings })
  }

  /** Adds one round of calls that take `rttMs`, and returns the limit after it. By default the limit is full. */
  round(rttMs: number, { inFlight = this.limit.limit(), dropped = false } = {}): number {
    const rounds = new Rounds()
    // Begins together with the limit's next round, at the end of the previous one.
    for (;;) {
      this.#now += Math.max(rttMs, 100)
      const ended = rounds.add(rttMs, inFlight, dropped, this.#now)
      this.limit.onSample(rttMs, inFlight, dropped, this.#now)
      if (ended !== undefined) return this.limit.limit()
    }
  }

  /** Adds a number of equal rounds, and returns the limit after them. */
  rounds(count: number, rttMs: number, options: { inFlight?: number; dropped?: boolean } = {}): number {
    for (let n = 0; n < count; n += 1) this.round(rttMs, options)
    return this.limit.limit()
  }
}
