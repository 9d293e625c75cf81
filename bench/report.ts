import { described, type Environment } from './environment.ts'
import type { Measured } from './harness.ts'
import type { KeyedMemory } from './memory.ts'
import { goalTable, table } from './tables.ts'
import { type GoalLine, times } from './verdicts.ts'

/** The result of a run. */
export interface Report extends Environment {
  readonly rounds: number
  readonly roundMs: number
  /** The number of calls with the expected result. */
  readonly consumed: number
  readonly results: readonly Measured[]
  readonly memory: readonly KeyedMemory[]
  readonly goals: readonly GoalLine[]
  /** The groups that could not be measured, and why. */
  readonly notes: readonly string[]
}

/** Fewer rounds give rough medians only. */
const ROUNDS_CITABLE = 30

/** Markdown for people, the goals last. */
export function markdown(report: Report): string {
  const parts = [
    head(report),
    ...(report.results.length === 0 ? [] : [resultTable(report.results)]),
    ...(report.memory.length === 0 ? [] : [memoryTable(report.memory)]),
    ...(report.notes.length === 0 ? [] : [report.notes.map((note) => `- ${note}`).join('\n')]),
    `Goals\n\n${goalTable(report.goals)}`,
  ]
  return parts.join('\n\n')
}

/** JSON for programs: everything except the single rounds. */
export function json(report: Report): string {
  return JSON.stringify(report, (key, value) => (key === 'roundsNs' ? undefined : value), 2)
}

function head(report: Report): string {
  const { rounds, roundMs } = report
  const few = rounds < ROUNDS_CITABLE ? `; fewer than ${ROUNDS_CITABLE} rounds, so do not cite these figures` : ''
  return `${described(report)}; ${rounds} rounds of ${roundMs} ms a case${few}.`
}

function resultTable(results: readonly Measured[]): string {
  const rows = results.map(
    ({ group, by, nsPerCall, quartilesNs: [low, high], timesBare, timesEscudo, bytesPerCall }) => [
      group,
      by,
      nsPerCall.toFixed(0),
      `${low.toFixed(0)}–${high.toFixed(0)}`,
      timesBare === undefined ? '' : times(timesBare),
      timesEscudo === undefined || by === 'bare' || by === 'escudo' ? '' : times(timesEscudo),
      bytesPerCall.toFixed(0),
    ],
  )
  return table(['what', 'by', 'ns a call', 'quartiles', '× bare', '× escudo', 'bytes a call'], rows, 2)
}

function memoryTable(memory: readonly KeyedMemory[]): string {
  const shown = (value: number | undefined): string => value?.toFixed(0) ?? 'not available'
  const rows = memory.map(({ by, keys, bytesPerKey, residentBytesPerKey }) => [
    'one breaker per key',
    by,
    String(keys),
    shown(bytesPerKey),
    shown(residentBytesPerKey),
  ])
  return table(['what', 'by', 'keys', 'bytes a key', 'resident bytes a key'], rows, 2)
}
