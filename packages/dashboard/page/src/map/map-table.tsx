import { f, t } from '../state/state.ts'
import { rateText } from '../tables/rate.ts'
import { textFor } from '../text/text-for.ts'
import { failedShare, type MapEdge, signOfCall, troubleOf } from './graph.ts'
import { mt } from './state.ts'

/** The calls as a table, those with trouble first. */
export function MapTable({ edges }: { readonly edges: readonly MapEdge[] }) {
  const texts = mt.value
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={`${t.value.map}: ${t.value.table}`}>
      <table class="cards" data-table="map">
        <thead>
          <tr>
            <th scope="col">{texts.call}</th>
            <th scope="col">{texts.calls}</th>
            <th scope="col">{texts.failures}</th>
            <th scope="col">{texts.breaker}</th>
            <th scope="col">{texts.source}</th>
          </tr>
        </thead>
        <tbody>
          {edges
            .toSorted((a, b) => troubleOf(b.call) - troubleOf(a.call))
            .map(({ from, to, call }) => (
              <tr key={`${from}\u0000${to}`} data-call={`${call.from} ${call.to}`}>
                <th scope="row">
                  {call.from} → {call.to}
                  {!call.has_log && ` (${texts.noLog})`}
                </th>
                <td data-label={texts.calls}>
                  {call.calls === null || call.calls === 0
                    ? texts.states[call.state]
                    : rateText(call.calls, call.seconds ?? 60)}
                </td>
                <td data-label={texts.failures} class={failedShare(call) === undefined ? '' : 'server'}>
                  {call.failures === null
                    ? '—'
                    : `${signOfCall(call)} ${f.value.percent(failedShare(call) ?? 0)}`.trimStart()}
                </td>
                <td data-label={texts.breaker}>
                  {call.breakers.length === 0
                    ? '—'
                    : call.breakers
                        .map(({ shield, policy, state }) => `${shield || policy}: ${textFor(t.value.states, state)}`)
                        .join(', ')}
                </td>
                <td data-label={texts.source}>{texts.knownBy[call.known_by]}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  )
}
