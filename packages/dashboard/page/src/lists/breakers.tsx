import type { Lane } from '../../../src/report/lanes.ts'
import { f, openTrace, parts, t } from '../state/state.ts'

const WIDTH = 1_000

/** Shows one lane per breaker with its open and half-open times. */
export function Breakers() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) return null
  const { lanes, range } = data
  return (
    <section class="figure" aria-labelledby="breakers-title">
      <h2 id="breakers-title">{texts.breakers}</h2>
      {lanes.length === 0 ? (
        <p class="quiet">{texts.noBreakers}</p>
      ) : (
        <>
          <ul class="lanes">
            {lanes.map((lane) => (
              <LaneRow
                key={`${lane.service}/${lane.shield}/${lane.policy}`}
                lane={lane}
                from={range.from}
                to={range.to}
              />
            ))}
          </ul>
          <p class="quiet lane-times" aria-hidden="true">
            <span>{f.value.clock(range.from)}</span>
            <span>{f.value.clock(range.to)}</span>
          </p>
        </>
      )}
    </section>
  )
}

function LaneRow({ lane, from, to }: { readonly lane: Lane; readonly from: number; readonly to: number }) {
  const texts = t.value
  const state = texts.states[lane.state] ?? lane.state
  const changes = lane.changes.length === 1 ? texts.oneChange : texts.changes(f.value.count(lane.changes.length))
  const last = lane.changes.at(-1)?.traceId
  const xOf = (at: number): number => ((at - from) / (to - from)) * WIDTH
  let current = { at: from, state: lane.before }
  const spans: { readonly at: number; readonly end: number; readonly state: string }[] = []
  for (const change of [...lane.changes, { at: to, to: '' }]) {
    spans.push({ at: current.at, end: change.at, state: current.state })
    current = { at: change.at, state: change.to }
  }
  return (
    <li class="lane">
      <span class="lane-name">
        {lane.service} <span aria-hidden="true">→</span> <strong>{lane.shield || lane.policy}</strong>
      </span>
      <svg viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" aria-hidden="true">
        <defs>
          <pattern id="probing" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="4" height="8" class="probing" />
          </pattern>
        </defs>
        <line x1="0" x2={WIDTH} y1="8" y2="8" class="closed" vector-effect="non-scaling-stroke" />
        {spans
          .filter((span) => span.state !== 'closed' && span.state !== '')
          .map((span) => (
            <rect
              key={span.at}
              x={xOf(span.at)}
              y="0"
              width={Math.max(3, xOf(span.end) - xOf(span.at))}
              height="16"
              class={span.state === 'half-open' ? 'half-open' : 'open'}
            />
          ))}
      </svg>
      <span class={`lane-state ${lane.state}`}>
        <strong>{state}</strong>
        {lane.since !== undefined && ` ${texts.since(f.value.clock(lane.since))}`}
        {' · '}
        {changes}
        {last !== undefined && (
          <>
            {' '}
            <button
              type="button"
              aria-label={`${texts.lastChange}: ${lane.shield || lane.policy}`}
              onClick={() => (openTrace.value = last)}
            >
              {texts.trace}
            </button>
          </>
        )}
      </span>
    </li>
  )
}
