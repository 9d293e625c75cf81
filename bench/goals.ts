import { REFUSAL } from './cases/refusals.ts'
import { BREAKER_AND_TIMEOUT, FIVE } from './cases/success.ts'
import { WINDOW_SIZES, windowOfCalls, windowOfTime } from './cases/windows.ts'
import type { Measured } from './harness.ts'
import type { KeyedMemory } from './memory.ts'
import { medianRatio } from './statistics.ts'

/** The measurements that the goals read. */
export interface Figures {
  readonly results: readonly Measured[]
  readonly memory: readonly KeyedMemory[]
}

/** A goal and its measurement. */
export interface GoalLine {
  readonly what: string
  /** For example `≤ 8 × bare`. Unique together with `what`. */
  readonly goal: string
  /** Undefined if it was not measured. */
  readonly value: number | undefined
  /** For example `19.0 ×`. */
  readonly shown: string | undefined
  readonly verdict: 'met' | 'missed' | 'not measured' | 'not available'
}

interface Goal {
  readonly what: string
  readonly goal: string
  readonly limit: number
  readonly must: 'at most' | 'at least'
  readonly show: (value: number) => string
  readonly measure: (figures: Figures) => number | undefined
  /** Whether the library lacks the measured feature. */
  readonly missing?: (figures: Figures) => boolean
}

/** Formats a ratio, for example `19.0 ×`. */
export const times = (value: number): string => `${value.toFixed(1)} ×`
// One decimal is too coarse for ratios near 1.
const twoDecimals = (value: number): string => `${value.toFixed(2)} ×`
const bytes = (value: number): string => `${value.toFixed(0)} bytes`

const [SMALLEST, LARGEST] = [WINDOW_SIZES[0], WINDOW_SIZES.at(-1) as number]
// Constant, with a margin for noise and cache misses.
const CONSTANT_MAX = 1.25
const KEY_BYTES_MAX = 300
const CALL_BYTES_MAX = 2_048
const count = (value: number): string => value.toLocaleString('en-US')

const GOALS: readonly Goal[] = [
  slower(FIVE, 8, 'bare'),
  { ...slower(FIVE, 5, 'bare'), what: `${FIVE} (stretch)` },
  faster(FIVE, 15, 'cockatiel'),
  faster(BREAKER_AND_TIMEOUT, 3, 'opossum'),
  faster(REFUSAL, 4, 'cockatiel'),
  faster(REFUSAL, 4, 'opossum'),
  constant('a window of calls', windowOfCalls),
  constant('a window of time', windowOfTime),
  {
    what: 'one breaker per key, a million keys',
    goal: `≤ ${KEY_BYTES_MAX} bytes a key`,
    limit: KEY_BYTES_MAX,
    must: 'at most',
    show: bytes,
    measure: ({ memory }) => ofEscudo(memory)?.bytesPerKey,
    missing: ({ memory }) => ofEscudo(memory)?.notAvailable !== undefined,
  },
  {
    what: `${FIVE}, allocated`,
    goal: `≤ ${CALL_BYTES_MAX} bytes a call`,
    limit: CALL_BYTES_MAX,
    must: 'at most',
    show: bytes,
    measure: ({ results }) => find(results, FIVE, 'escudo')?.bytesPerCall,
  },
]

/** All goals with their verdicts, including goals that were not measured. */
export function goalLines(figures: Figures): GoalLine[] {
  return GOALS.map(({ what, goal, limit, must, show, measure, missing }) => {
    const value = measure(figures)
    if (value === undefined) {
      const verdict = missing?.(figures) === true ? 'not available' : 'not measured'
      return { what, goal, value, shown: undefined, verdict }
    }
    const met = must === 'at most' ? value <= limit : value >= limit
    return { what, goal, value, shown: show(value), verdict: met ? 'met' : 'missed' }
  })
}

function slower(group: string, limit: number, than: string): Goal {
  return {
    what: group,
    goal: `≤ ${limit} × ${than}`,
    limit,
    must: 'at most',
    show: times,
    measure: ({ results }) => ratio(find(results, group, 'escudo'), find(results, group, than)),
  }
}

function faster(group: string, limit: number, than: string): Goal {
  return {
    what: group,
    goal: `≥ ${limit} × faster than ${than}`,
    limit,
    must: 'at least',
    show: times,
    measure: ({ results }) => ratio(find(results, group, than), find(results, group, 'escudo')),
  }
}

function constant(window: string, name: (size: number) => string): Goal {
  return {
    what: `a failure with ${count(LARGEST)} calls in ${window}, by one with ${count(SMALLEST)}`,
    goal: `constant (≤ ${CONSTANT_MAX} ×)`,
    limit: CONSTANT_MAX,
    must: 'at most',
    show: twoDecimals,
    measure: ({ results }) => ratio(find(results, name(LARGEST), 'escudo'), find(results, name(SMALLEST), 'escudo')),
  }
}

function ratio(above: Measured | undefined, below: Measured | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : medianRatio(above.roundsNs, below.roundsNs)
}

function find(results: readonly Measured[], group: string, by: string): Measured | undefined {
  return results.find((one) => one.group === group && one.by === by)
}

function ofEscudo(memory: readonly KeyedMemory[]): KeyedMemory | undefined {
  return memory.find(({ by }) => by === 'escudo')
}
