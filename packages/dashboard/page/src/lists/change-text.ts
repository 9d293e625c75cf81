import type { LaneChange } from '../../../src/report/lanes.ts'
import { f, t } from '../state/state.ts'
import { textFor } from '../text/text-for.ts'

/** A change in words: from which state, to which, and why. */
export function changeText({ from, to, reason, failures, calls, error, instance }: LaneChange): string {
  const texts = t.value
  const states = `${textFor(texts.states, from)} → ${textFor(texts.states, to)}`
  const why = reason === 'restart' ? texts.restarted : reasonText(reason)
  const share = calls === undefined || calls === 0 || failures === undefined ? undefined : failures / calls
  const counts =
    share === undefined
      ? undefined
      : texts.failedCalls(f.value.count(failures ?? 0), f.value.count(calls ?? 0), f.value.percent(share))
  return [instance, states, why, counts, error].filter((part) => part !== undefined && part !== '').join(' · ')
}

/** A decision of a fleet in the language of the page: `fleet: 5 of 8`. Other reasons are those of the log. */
export function reasonText(reason: string | undefined): string | undefined {
  return reason?.replace(/^fleet: (\d+) of (\d+)$/, t.value.fleet)
}
