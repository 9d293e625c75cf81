import { quantile } from '../statistics.ts'
import { type Goal, type GoalLine, judge, twoDecimals } from '../verdicts.ts'
import { CLIENT } from './clients-suite.ts'
import { type Measured, type Round, ratios } from './measure.ts'
import type { CallerName } from './programs/callers.ts'
import { ESCUDO, type RequestGroup, WITH_LOG } from './requests.ts'

/** The measurements that the goals read. */
export interface Figures {
  readonly results: readonly Measured[]
  /** The cases that could not be measured, and why. */
  readonly notes: readonly string[]
}

/** A case of the report. */
export interface CaseName {
  readonly group: string
  readonly by: string
}

const GOALS: readonly Goal<Figures>[] = [
  request('requests: GET 200', 1.15),
  request('requests: POST validated', 1.15),
  request('requests: error thrown, 404', 1.0),
  request('requests: unknown route', 1.5),
  {
    ...request('requests: GET 200', 1.3),
    what: 'requests: GET 200, p99 at full load',
    measure: compare({ group: 'requests: GET 200', by: ESCUDO }, { group: 'requests: GET 200', by: WITH_LOG }, 'p99Ms'),
  },
  client('resilientFetch, standard shield', 1.2, 'fetch, AbortController and timer'),
  client('resilientRequest, standard shield', 0.5, 'fetch'),
]

/** All goals with their verdicts, including goals that were not measured. */
export function goalLines(figures: Figures): GoalLine[] {
  return judge(GOALS, figures)
}

function request(group: RequestGroup, limit: number): Goal<Figures> {
  return {
    what: group,
    goal: `≤ ${limit} × ${WITH_LOG}`,
    limit,
    must: 'at most',
    show: twoDecimals,
    measure: compare({ group, by: ESCUDO }, { group, by: WITH_LOG }, 'cpuUs'),
  }
}

function client(by: CallerName, limit: number, than: CallerName): Goal<Figures> {
  return {
    what: `${CLIENT}, ${by}`,
    goal: `≤ ${limit} × ${than}`,
    limit,
    must: 'at most',
    show: twoDecimals,
    measure: compare({ group: CLIENT, by }, { group: CLIENT, by: than }, 'cpuUs'),
    missing: ({ notes }) => notes.some((note) => note.startsWith(`${CLIENT}, ${by}: not available`)),
  }
}

/** Measures the median of the ratios within the same round. */
function compare(above: CaseName, below: CaseName, figure: keyof Round): Goal<Figures>['measure'] {
  return ({ results }) => {
    const [one, other] = [find(results, above), find(results, below)]
    return one === undefined || other === undefined ? undefined : quantile(ratios(one, other, figure), 0.5)
  }
}

/** The measurement of a case, if it was measured. */
export function find(results: readonly Measured[], { group, by }: CaseName): Measured | undefined {
  return results.find((one) => one.group === group && one.by === by)
}
