import type { LaneChange } from '../../../src/report/lanes.ts'
import { f, t } from '../state/state.ts'

/** A change in words: from which state, to which, and why. */
export function changeText({ from, to, reason, failures, calls, error }: LaneChange): string {
  const texts = t.value
  const states = `${texts.states[from] ?? from} → ${texts.states[to] ?? to}`
  const why = reason === 'restart' ? texts.restarted : reason
  const share = calls === undefined || calls === 0 || failures === undefined ? undefined : failures / calls
  const counts =
    share === undefined
      ? undefined
      : texts.failedCalls(f.value.count(failures ?? 0), f.value.count(calls ?? 0), f.value.percent(share))
  return [states, why, counts, error].filter((part) => part !== undefined && part !== '').join(' · ')
}
