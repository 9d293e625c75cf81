import type { Lane } from '../../../src/report/lanes.ts'
import { useNow } from '../state/clock.ts'
import { connection, f, now, openTrace, t } from '../state/state.ts'
import { textFor } from '../text/text-for.ts'
import { reasonText } from './change-text.ts'

const HOUR_MS = 3_600_000

/** The state of a breaker in words, what it did in the range, and when it tries again. */
export function LaneStatus({ lane }: { readonly lane: Lane }) {
  const texts = t.value
  const format = f.value
  const { state, since, callee, refusals, changes, instances } = lane
  const decision = changes.findLast(({ to }) => to === 'open')?.reason
  const opening = changes.findLast(({ from, to, calls }) => from === 'closed' && to === 'open' && (calls ?? 0) > 0)
  const last = changes.findLast(({ traceId }) => traceId !== undefined)?.traceId
  const facts = [
    state === 'open' && decision?.startsWith('fleet:') ? reasonText(decision) : undefined,
    instances === undefined || instances.notClosed.length === 0
      ? undefined
      : texts.ofInstances(
          instances.notClosed.length,
          instances.all,
          instances.notClosed.map(({ name }) => name).join(', '),
        ),
    callee === null || callee.requests === 0
      ? undefined
      : texts.calleeRequests(
          format.count(callee.requests),
          callee.service,
          format.percent(callee.failures / callee.requests),
        ),
    opening === undefined
      ? undefined
      : texts.openedAfter(
          format.count(opening.failures ?? 0),
          format.count(opening.calls ?? 0),
          format.percent((opening.failures ?? 0) / (opening.calls ?? 1)),
        ),
    refusals === 0 ? texts.noRefusals : texts.refusals(format.count(refusals)),
    texts.changes(format.count(changes.length)),
  ].filter((fact) => fact !== undefined)
  return (
    <div class={`lane-state ${state}`}>
      <p>
        <strong>{state === 'unknown' ? texts.unknownAfterRestart : textFor(texts.states, state)}</strong>
        {since !== undefined &&
          ` ${texts.since(now.value - since < 12 * HOUR_MS ? format.clock(since) : format.day(since))}`}
        {connection.value === 'lost' && ` (${texts.atLast(format.clock(now.value))})`}
        {state === 'open' && connection.value !== 'lost' && <Probe probe={lane.probe} />}
        {last !== undefined && (
          <>
            {' '}
            <button
              type="button"
              aria-haspopup="dialog"
              aria-label={`${texts.lastChange}: ${lane.shield || lane.policy}`}
              onClick={() => (openTrace.value = last)}
            >
              {texts.trace}
            </button>
          </>
        )}
      </p>
      <p class="quiet">{facts.join(' · ')}</p>
    </div>
  )
}

function Probe({ probe }: Pick<Lane, 'probe'>) {
  const texts = t.value
  const time = useNow()
  if (probe === null) return <> · {texts.probeUnknown}</>
  const left = probe.at - time
  if (left <= 0) return <> · {texts.probeDue}</>
  const rough = f.value.rough(Math.ceil(left / 1_000) * 1_000)
  return <> · {texts.nextProbe(probe.isEstimate ? `≈ ${rough}` : rough)}</>
}
