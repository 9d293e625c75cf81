import { REFUSAL } from './cases/refusals.ts'
import { BREAKER_AND_TIMEOUT, FIVE } from './cases/success.ts'
import { WINDOW_SIZES, windowOfCalls, windowOfTime } from './cases/windows.ts'
import type { Measured } from './harness.ts'
import type { KeyedMemory } from './memory.ts'
import { medianRatio } from './statistics.ts'
import { type Goal, type GoalLine, judge, times, twoDecimals } from './verdicts.ts'

/** The measurements that the goals read. */
export interface Figures {
  readonly results: readonly Measured[]
  readonly memory: readonly KeyedMemory[]
}

const bytes = (value: number): string => `${value.toFixed(0)} bytes`

const [SMALLEST, LARGEST] = [WINDOW_SIZES[0], WINDOW_SIZES.at(-1) as number]
// Constant, with a margin for noise and cache misses.
const CONSTANT_MAX = 1.25
const KEY_BYTES_MAX = 300
const CALL_BYTES_MAX = 2_048
const count = (value: number): string => value.toLocaleString('en-US')

const GOALS: readonly Goal<Figures>[] = [
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
  return judge(GOALS, figures)
}

function slower(group: string, limit: number, than: string): Goal<Figures> {
  return {
    what: group,
    goal: `≤ ${limit} × ${than}`,
    limit,
    must: 'at most',
    show: times,
    measure: ({ results }) => ratio(find(results, group, 'escudo'), find(results, group, than)),
  }
}

function faster(group: string, limit: number, than: string): Goal<Figures> {
  return {
    what: group,
    goal: `≥ ${limit} × faster than ${than}`,
    limit,
    must: 'at least',
    show: times,
    measure: ({ results }) => ratio(find(results, group, than), find(results, group, 'escudo')),
  }
}

function constant(window: string, name: (size: number) => string): Goal<Figures> {
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
