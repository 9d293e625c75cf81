import { compare } from '../service/compare.ts'
import type { Measured } from '../service/measure.ts'
import { type Goal, type GoalLine, judge } from '../verdicts.ts'
import { ESCUDO, FRAMEWORKS, type Framework, groupOf, type TargetName } from './suites.ts'

/** The least share of the requests that a framework answers with its usual logger, in the same processor time. */
const SHARES: readonly (readonly [TargetName, number])[] = [
  ['GET 200', 0.9],
  ['error thrown, 404', 0.85],
]

const GOALS: readonly Goal<readonly Measured[]>[] = FRAMEWORKS.flatMap((framework) =>
  SHARES.map(([target, share]) => goal(framework, target, share)),
)

/** All goals with their verdicts, including goals that were not measured. */
export function goalLines(results: readonly Measured[]): GoalLine[] {
  return judge(GOALS, results)
}

function goal(framework: Framework, target: TargetName, share: number): Goal<readonly Measured[]> {
  const group = groupOf(framework, target)
  const { logger } = framework
  return {
    what: group,
    goal: `≥ ${percent(share)} of the requests with ${logger}`,
    limit: share,
    must: 'at least',
    show: percent,
    // The requests in a second of processor time. That of the baseline is above: less time is more requests.
    measure: (results) => compare({ group, by: logger }, { group, by: ESCUDO }, 'cpuUs')({ results }),
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
