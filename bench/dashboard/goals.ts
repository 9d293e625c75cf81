import { type Goal, type GoalLine, judge, times } from '../verdicts.ts'

/** What one run measured. A list has one figure per round. */
export interface DashboardFigures {
  readonly lines: number
  /** Milliseconds until all lines were counted by the main thread alone: processor time. */
  readonly aloneCpuMs: readonly number[]
  /** Milliseconds with one more thread: elapsed time. */
  readonly threadedMs: readonly number[]
  readonly peakMb: readonly number[]
  readonly jqCpuMs: readonly number[]
  readonly goaccessCpuMs: readonly number[]
  readonly firstMs: number | undefined
  /** From the start of the program until it shows all lines that it read before. */
  readonly restartMs: number | undefined
  readonly appendedMs: number | undefined
  /** From the append of lines, 20,000 a second, until a page has them: the 99th percentile. */
  readonly pageP99Ms: number | undefined
  readonly searched: { readonly firstMs: number; readonly wholeMs: number } | undefined
  readonly rotated: { readonly lost: number; readonly twice: number } | undefined
  readonly traceP99Ms: number | undefined
  /** The largest relative error of p50, p95 and p99. */
  readonly percentileError: number | undefined
}

/** The middle figure; undefined without one. */
export function medianOf(figures: readonly number[]): number | undefined {
  return figures.toSorted((a, b) => a - b)[figures.length >>> 1]
}

const million = (value: number): string => `${value.toFixed(2)} M lines/s`
const ms = (value: number): string => `${value.toFixed(0)} ms`
const rate = (lines: number, figures: readonly number[]): number | undefined => {
  const median = medianOf(figures)
  return median === undefined ? undefined : lines / median / 1_000
}
/** How many times as much processor time the other one takes. */
const compared = (others: readonly number[], { aloneCpuMs }: DashboardFigures): number | undefined => {
  const [other, own] = [medianOf(others), medianOf(aloneCpuMs)]
  return other === undefined || own === undefined ? undefined : other / own
}

const GOALS: readonly Goal<DashboardFigures>[] = [
  {
    what: 'cold ingest, one thread, by processor time',
    goal: '≥ 1.5 M lines/s',
    limit: 1.5,
    must: 'at least',
    show: million,
    measure: ({ lines, aloneCpuMs }) => rate(lines, aloneCpuMs),
  },
  {
    what: 'cold ingest, two threads, by the clock',
    goal: '≥ 2.5 M lines/s',
    limit: 2.5,
    must: 'at least',
    show: million,
    measure: ({ lines, threadedMs }) => rate(lines, threadedMs),
  },
  {
    what: 'the same totals with jq, by processor time',
    goal: '≥ 6 × the dashboard',
    limit: 6,
    must: 'at least',
    show: times,
    measure: (figures) => compared(figures.jqCpuMs, figures),
    missing: ({ jqCpuMs }) => jqCpuMs.length === 0,
  },
  {
    what: 'the same requests with goaccess, by processor time',
    goal: '≥ 20 × the dashboard',
    limit: 20,
    must: 'at least',
    show: times,
    measure: (figures) => compared(figures.goaccessCpuMs, figures),
    missing: ({ goaccessCpuMs }) => goaccessCpuMs.length === 0,
  },
  {
    what: 'memory, highest',
    goal: '≤ 192 MB',
    limit: 192,
    must: 'at most',
    show: (value) => `${value.toFixed(0)} MB`,
    measure: ({ peakMb }) => (peakMb.length === 0 ? undefined : Math.max(...peakMb)),
  },
  {
    what: 'first figures',
    goal: '≤ 300 ms',
    limit: 300,
    must: 'at most',
    show: ms,
    measure: ({ firstMs }) => firstMs,
  },
  {
    what: 'all figures after a restart',
    goal: '≤ 300 ms',
    limit: 300,
    must: 'at most',
    show: ms,
    measure: ({ restartMs }) => restartMs,
  },
  {
    what: 'an appended line is counted, while older ones are read',
    goal: '≤ 500 ms',
    limit: 500,
    must: 'at most',
    show: ms,
    measure: ({ appendedMs }) => appendedMs,
  },
  {
    what: 'appended lines reach a page, 20,000 a second, p99',
    goal: '≤ 500 ms',
    limit: 500,
    must: 'at most',
    show: ms,
    measure: ({ pageP99Ms }) => pageP99Ms,
  },
  {
    what: 'search, first hits',
    goal: '≤ 300 ms',
    limit: 300,
    must: 'at most',
    show: ms,
    measure: ({ searched }) => searched?.firstMs,
  },
  {
    what: 'search through all lines',
    goal: '≥ 1.5 M lines/s',
    limit: 1.5,
    must: 'at least',
    show: million,
    measure: ({ lines, searched }) => (searched === undefined ? undefined : rate(lines, [searched.wholeMs])),
  },
  {
    what: 'lines lost or counted twice over 1,000 renames',
    goal: '0',
    limit: 0,
    must: 'at most',
    show: String,
    measure: ({ rotated }) => (rotated === undefined ? undefined : rotated.lost + rotated.twice),
  },
  {
    what: 'a trace over 20 files, p99',
    goal: '≤ 50 ms',
    limit: 50,
    must: 'at most',
    show: ms,
    measure: ({ traceP99Ms }) => traceP99Ms,
  },
  {
    what: 'error of percentiles',
    goal: '≤ 1 %',
    limit: 0.01,
    must: 'at most',
    show: (value) => `${(value * 100).toFixed(2)} %`,
    measure: ({ percentileError }) => percentileError,
  },
]

/** Judges a run. */
export function dashboardGoals(figures: DashboardFigures): readonly GoalLine[] {
  return judge(GOALS, figures)
}
