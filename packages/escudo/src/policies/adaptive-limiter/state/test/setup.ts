import fc from 'fast-check'
import type { ConcurrencyLimit, LimitAlgorithm, LimitSettings } from '../limit.ts'
import { type Round, Rounds } from '../rounds.ts'

/** What a limit is fed with. */
export interface Sample {
  readonly rttMs: number
  readonly inFlight: number
  readonly lost: boolean
  readonly now: number
}

/** Calls in stretches, each with a latency and a load of its own: without those, no round is ever different. */
export function samples(): fc.Arbitrary<Sample[]> {
  const stretch = fc.record({
    calls: fc.integer({ min: 1, max: 200 }),
    rttMs: fc.double({ min: 0.05, max: 500, noNaN: true }),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    inFlight: fc.integer({ min: 1, max: 60 }),
    lostShare: fc.constantFrom(0, 0, 0, 0.02, 0.2, 1),
    seed: fc.nat(),
  })
  return fc.array(stretch, { minLength: 1, maxLength: 12 }).map((stretches) => {
    const made: Sample[] = []
    let now = 1_000
    for (const { calls, rttMs, spread, inFlight, lostShare, seed } of stretches) {
      for (let n = 0; n < calls; n += 1) {
        // Any spread will do, as long as it repeats.
        const chance = ((seed + n * 7_919) % 1_000) / 1_000
        const took = rttMs * (1 - spread + 2 * spread * chance)
        now += took / inFlight
        made.push({ rttMs: took, inFlight: 1 + ((n + seed) % inFlight), lost: (n * 0.618) % 1 < lostShare, now })
      }
    }
    return made
  })
}

/** Bounds, and a beginning within them. */
export function settingsOf(): fc.Arbitrary<LimitSettings> {
  return fc
    .tuple(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([min, room, place]) => ({ min, max: min + room, initial: min + Math.floor(room * place) }))
}

/**
 * Runs a limit beside a model that is told of rounds alone, and calls `each` after every round with the limit before and
 * after it.
 */
export function alongside(
  limit: ConcurrencyLimit,
  sequence: readonly Sample[],
  each: (round: Round, before: number, after: number) => void,
): void {
  const rounds = new Rounds()
  for (const { rttMs, inFlight, lost, now } of sequence) {
    const before = limit.limit()
    const round = rounds.add(rttMs, inFlight, lost, now)
    limit.onSample(rttMs, inFlight, lost, now)
    if (round !== undefined) each(round, before, limit.limit())
    else if (limit.limit() !== before) throw new Error('the limit changed within a round')
  }
}

/** A limit that is fed whole rounds of one kind; time goes on by itself. */
export class Fed {
  readonly limit: ConcurrencyLimit
  #now = 0

  constructor(algorithm: LimitAlgorithm, settings: Partial<LimitSettings> = {}) {
    this.limit = algorithm.create({ min: 1, max: 1_000, initial: 20, ...settings })
  }

  /** Feeds one round: calls that take `rttMs` and are lost or not, with as much in flight as the limit allows by default. */
  round(rttMs: number, { inFlight = this.limit.limit(), lost = false } = {}): number {
    const rounds = new Rounds()
    // After the round before, at whose end the limit's own begins.
    for (;;) {
      this.#now += Math.max(rttMs, 100)
      const ended = rounds.add(rttMs, inFlight, lost, this.#now)
      this.limit.onSample(rttMs, inFlight, lost, this.#now)
      if (ended !== undefined) return this.limit.limit()
    }
  }

  rounds(count: number, rttMs: number, how: { inFlight?: number; lost?: boolean } = {}): number {
    for (let n = 0; n < count; n += 1) this.round(rttMs, how)
    return this.limit.limit()
  }
}
