import { described, type Environment } from '../environment.ts'
import { quantile } from '../statistics.ts'
import { goalTable, table } from '../tables.ts'
import { type GoalLine, twoDecimals } from '../verdicts.ts'
import { find } from './compare.ts'
import { CONNECTIONS } from './load.ts'
import { at, type CaseName, isLimited, type Measured, median, type Round, ratios } from './measure.ts'
import type { MemoryPoint } from './memory.ts'

/** The result of a run in rounds. */
export interface RoundsReport extends Environment {
  readonly rounds: number
  readonly roundMs: number
  readonly pinning: string
  readonly results: readonly Measured[]
  readonly memory?: readonly MemoryPoint[]
  readonly goals: readonly GoalLine[]
  /** The cases that could not be measured, and why; figures that must not be trusted. */
  readonly notes: readonly string[]
}

/** What the cases of a group are compared with. */
export type BaselineOf = (group: string) => CaseName | undefined

/** Markdown for people, the goals last. */
export function markdown(report: RoundsReport, baselineOf: BaselineOf): string {
  const { results, memory = [], notes, goals } = report
  const parts = [
    head(report),
    ...(results.length === 0
      ? []
      : [costTable(results, baselineOf), `Latency\n\n${latencyTable(results, baselineOf)}`]),
    ...(memory.length === 0 ? [] : [`Memory of the shop\n\n${memoryTable(memory)}`]),
    ...(results.some(isLimited) ? [LIMITED] : []),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
    `Goals\n\n${goalTable(goals)}`,
  ]
  return parts.join('\n\n')
}

/** JSON for programs: the figures of every round, and their medians. */
export function json(report: RoundsReport): string {
  const results = report.results.map((one) => ({
    ...one,
    medians: Object.fromEntries(FIGURES.map((figure) => [figure, median(one, figure)])),
  }))
  return JSON.stringify({ ...report, results }, null, 2)
}

const FIGURES: readonly (keyof Round)[] = ['cpuUs', 'perSecond', 'p50Ms', 'p99Ms', 'busy']

const LIMITED =
  '!: the measured process was busy for less than 90 % of the time. The other side or another program was the limit: do not compare these requests a second and latencies.'

function head(report: RoundsReport): string {
  const { rounds, roundMs, pinning } = report
  const effort = `${rounds} rounds of ${roundMs / 1_000} s a case, ${CONNECTIONS} connections`
  return `${described(report)}; ${effort}; ${pinning}.`
}

function costTable(results: readonly Measured[], baselineOf: BaselineOf): string {
  const rows = results.map((one) => [
    one.group,
    one.by,
    median(one, 'cpuUs').toFixed(1),
    `${at(one, 'cpuUs', 0.25).toFixed(1)}–${at(one, 'cpuUs', 0.75).toFixed(1)}`,
    ...compared(one, results, baselineOf, 'cpuUs'),
    median(one, 'perSecond').toFixed(0),
    `${(median(one, 'busy') * 100).toFixed(0)} %${isLimited(one) ? ' !' : ''}`,
  ])
  return table(['what', 'by', 'µs', 'quartiles', '× baseline', 'quartiles', 'a second', 'busy'], rows, 2)
}

function latencyTable(results: readonly Measured[], baselineOf: BaselineOf): string {
  const rows = results.map((one) => [
    one.group,
    one.by,
    median(one, 'p50Ms').toFixed(2),
    median(one, 'p99Ms').toFixed(2),
    `${at(one, 'p99Ms', 0.25).toFixed(2)}–${at(one, 'p99Ms', 0.75).toFixed(2)}`,
    ...compared(one, results, baselineOf, 'p99Ms'),
  ])
  return table(['what', 'by', 'p50 ms', 'p99 ms', 'quartiles', '× baseline', 'quartiles'], rows, 2)
}

function memoryTable(memory: readonly MemoryPoint[]): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0)
  const rows = memory.map(({ requests, rssBytes, heapBytes }) => [String(requests), mb(rssBytes), mb(heapBytes)])
  return table(['requests', 'resident MB', 'heap MB'], rows, 0)
}

/** The median and the quartiles of the ratios to the baseline within the same round. */
function compared(
  one: Measured,
  results: readonly Measured[],
  baselineOf: BaselineOf,
  figure: keyof Round,
): readonly string[] {
  const name = baselineOf(one.group)
  const baseline = name === undefined ? undefined : find(results, name)
  if (baseline === undefined) return ['', '']
  const all = ratios(one, baseline, figure)
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(all, q)) as [number, number, number]
  return [twoDecimals(middle), baseline === one ? '' : `${low.toFixed(2)}–${high.toFixed(2)}`]
}
