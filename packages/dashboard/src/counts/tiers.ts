import type { Tally } from './tally.ts'

/**
 * The resolution by age: 1 s for the last 15 minutes, 10 s for 6 hours, 1 minute for 7 days.
 *
 * The first has ten more slots: the columns of 15 minutes are whole, and the newest line may be `AHEAD_MS_MIN`
 * ahead. Without them, such a range would be counted in slots that are wider than its columns.
 */
export const TIERS: readonly { readonly stepMs: number; readonly slots: number }[] = [
  { stepMs: 1_000, slots: 910 },
  { stepMs: 10_000, slots: 2_160 },
  { stepMs: 60_000, slots: 10_080 },
]

/** When something is counted in each tier. Moves are in whole slots, so the tiers may differ after one. */
export type Times = readonly number[]

/** Returns the times of something that was not moved. */
export function timesOf(at: number): Times {
  return TIERS.map(() => at)
}

/** Returns the times to which `Timeline.move` moves something. */
export function movedTimes(times: Times, fromMs: number, byMs: number): Times {
  return times.map((at, tier) => {
    const stepMs = TIERS[tier]?.stepMs ?? 1
    return Math.floor(at / stepMs) * stepMs < fromMs ? at : at + Math.round(byMs / stepMs) * stepMs
  })
}

/** Counts in slots of one width. */
export interface Tier {
  readonly stepMs: number
  readonly slotsMax: number
  readonly slots: Map<number, Tally>
  // The slot that was looked for last.
  lastNumber: number
  last: Tally | undefined
}

/** Returns the tiers without any count. */
export function emptyTiers(): readonly Tier[] {
  return TIERS.map(({ stepMs, slots }) => ({
    stepMs,
    slotsMax: slots,
    slots: new Map(),
    lastNumber: Number.NaN,
    last: undefined,
  }))
}

/** Forgets the slot that was looked for last. */
export function forgetLast(tier: Tier): void {
  tier.lastNumber = Number.NaN
  tier.last = undefined
}
