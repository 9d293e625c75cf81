import { causeOf } from './cause.ts'
import { judgeService, worst } from './judge-service.ts'
import type { ServiceVerdict, Situation, Verdict } from './situation.ts'
import type { Thresholds } from './thresholds.ts'

/**
 * Judges a situation: each service, and all of them together.
 *
 * It is a function of its arguments only. It knows no clock, no file and no range of a chart.
 */
export function judge(situation: Situation, thresholds: Thresholds): Verdict {
  const { now, isOld } = situation
  const services = situation.services.map((facts) => judgeService(facts, now, thresholds))
  const current = services.filter(({ isCurrent }) => isCurrent)
  const judged = current.length > 0 ? current : services
  const state = worst(judged.map((service) => service.state)) ?? 'waiting'
  const cause = causeOf(services, situation.edges, state)
  const windows = situation.services.filter((_, index) => services[index]?.isCurrent)
  const sum = (key: 'entries' | 'entryFailures' | 'entryDegraded'): number =>
    windows.reduce((total, { window }) => total + window[key], 0)
  return {
    state,
    since: cause?.service.since,
    asOf: isOld ? now : asOfAll(judged),
    cause: cause && { service: cause.service.name, reason: cause.reason },
    effect: {
      requests: sum('entries'),
      failures: sum('entryFailures'),
      degraded: sum('entryDegraded'),
      services: cause?.affected ?? [],
    },
    services: services.toSorted((a, b) => a.name.localeCompare(b.name)),
  }
}

/** Returns the newest moment of the verdicts, if all of them are about an earlier one. */
function asOfAll(services: readonly ServiceVerdict[]): number | undefined {
  const moments = services.map(({ asOf }) => asOf)
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 || known.length < moments.length ? undefined : Math.max(...known)
}
