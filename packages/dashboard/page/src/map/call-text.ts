import type { Call } from '../../../src/report/calls.ts'
import { t } from '../state/state.ts'
import { rateText } from '../tables/rate.ts'
import { textFor } from '../text/text-for.ts'
import { failedShare } from './graph.ts'
import { shareText } from './labels.ts'
import { mt } from './state.ts'

/** What is known of a call, in words. */
export function callText(call: Call): string {
  const texts = mt.value
  const share = failedShare(call)
  return [
    call.calls === null || call.calls === 0 ? texts.states[call.state] : rateText(call.calls, call.seconds ?? 60),
    ...(share === undefined ? [] : [texts.failed(shareText(share))]),
    ...call.breakers.map(({ shield, policy, state }) =>
      texts.breakerIs(shield || policy, textFor(t.value.states, state)),
    ),
  ].join(', ')
}
