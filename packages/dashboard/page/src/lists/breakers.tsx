import { useState } from 'preact/hooks'
import type { Lane } from '../../../src/report/lanes.ts'
import { momentLabel } from '../charts/time-labels.ts'
import { levers } from '../levers/loaded.ts'
import { asTables, f, openTrace, parts, t } from '../state/state.ts'
import { isRangeLoading } from '../state/view.ts'
import { changeText } from './change-text.ts'
import { LaneStatus } from './lane-status.tsx'
import { LaneTrack } from './lane-track.tsx'

const LANES_SHOWN = 20
/** What needs attention comes first. */
const ORDER = ['open', 'half-open', 'isolated', 'unknown', 'disabled', 'closed']
const LEGEND = ['closed', 'open', 'half-open', 'isolated', 'unknown']
const CHANGES_MAX = 200

/** Shows one lane per breaker: its states over time, what it did, and when it tries again. */
export function Breakers() {
  const texts = t.value
  const data = parts.value
  const [isComplete, setComplete] = useState(false)
  if (data === undefined) return null
  const { range } = data
  const { AllLevers, LaneLevers } = levers.value ?? {}
  const lanes = data.lanes.toSorted(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (b.since ?? 0) - (a.since ?? 0),
  )
  const shown = isComplete ? lanes : lanes.slice(0, LANES_SHOWN)
  return (
    <section class="figure" aria-labelledby="breakers-title" aria-busy={isRangeLoading.value}>
      <div class="figure-head">
        <h2 id="breakers-title">{texts.breakers}</h2>
        <div class="switches">
          {AllLevers && <AllLevers />}
          {lanes.length > 0 && (
            <button type="button" aria-pressed={asTables.value} onClick={() => (asTables.value = !asTables.value)}>
              {texts.table}
            </button>
          )}
        </div>
      </div>
      {lanes.length === 0 ? (
        <p class="quiet">
          {texts.noBreakers} {texts.noBreakersHint}
        </p>
      ) : asTables.value ? (
        <LaneTables lanes={shown} />
      ) : (
        <>
          <ul class="lanes">
            {shown.map((lane) => (
              <li class="lane" key={keyOf(lane)}>
                <span class="lane-name">
                  {lane.service} <span aria-hidden="true">→</span> <strong>{lane.shield || lane.policy}</strong>
                </span>
                <LaneTrack lane={lane} from={range.from} to={range.to} stepMs={range.stepMs} />
                <LaneStatus lane={lane} />
                {LaneLevers && <LaneLevers lane={lane} />}
              </li>
            ))}
          </ul>
          <p class="quiet lane-times" aria-hidden="true">
            <span>{momentLabel(range.from, range.from, range.to, f.value)}</span>
            <span>{momentLabel(range.to, range.from, range.to, f.value)}</span>
          </p>
          <LaneLegend />
        </>
      )}
      {!isComplete && lanes.length > LANES_SHOWN && (
        <button type="button" onClick={() => setComplete(true)}>
          {texts.more(f.value.count(lanes.length - LANES_SHOWN))}
        </button>
      )}
    </section>
  )
}

/** Names a lane among all. */
function keyOf({ service, shield, policy }: Lane): string {
  return [service, shield, policy].join('/')
}

function LaneLegend() {
  const texts = t.value
  return (
    <ul class="legend lane-legend">
      {LEGEND.map((state) => (
        <li key={state}>
          <span class={`key band ${state}`} aria-hidden="true" />{' '}
          {state === 'unknown' ? texts.unknownAfterRestart : texts.states[state]}
        </li>
      ))}
    </ul>
  )
}

/** The lanes as tables: one of the breakers, one of their changes. */
function LaneTables({ lanes }: { readonly lanes: readonly Lane[] }) {
  const texts = t.value
  const range = parts.value?.range
  const LaneLevers = levers.value?.LaneLevers
  const changes = lanes
    .flatMap((lane) => lane.changes.map((change) => ({ lane, change })))
    .sort((a, b) => b.change.at - a.change.at)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={texts.stateNow}>
        <table class="cards" data-table="breakers">
          <thead>
            <tr>
              <th scope="col">{texts.breaker}</th>
              <th scope="col">{texts.stateNow}</th>
            </tr>
          </thead>
          <tbody>
            {lanes.map((lane) => (
              <tr key={keyOf(lane)}>
                <th scope="row">
                  {lane.service} → {lane.shield || lane.policy}
                </th>
                <td data-label={texts.stateNow}>
                  <LaneStatus lane={lane} />
                  {LaneLevers && <LaneLevers lane={lane} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {changes.length === 0 ? (
        <p class="quiet">{texts.noChanges}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard
        <section class="scroll" tabIndex={0} aria-label={texts.changesTitle}>
          <table class="cards" data-table="changes">
            <caption>{texts.changesTitle}</caption>
            <thead>
              <tr>
                <th scope="col">{texts.time}</th>
                <th scope="col">{texts.breaker}</th>
                <th scope="col">{texts.change}</th>
                <th scope="col">{texts.trace}</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, CHANGES_MAX).map(({ lane, change }, index) => (
                <tr key={`${keyOf(lane)}/${change.at}/${index}`}>
                  <th scope="row">
                    {range === undefined ? '' : `${f.value.date(change.at)}, ${f.value.clockExact(change.at)}`}
                  </th>
                  <td data-label={texts.breaker}>
                    {lane.service} → {lane.shield || lane.policy}
                  </td>
                  <td data-label={texts.change}>{changeText(change)}</td>
                  <td data-label={texts.trace}>
                    {change.traceId === undefined ? (
                      '—'
                    ) : (
                      <button type="button" aria-haspopup="dialog" onClick={() => (openTrace.value = change.traceId)}>
                        {texts.trace}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  )
}
