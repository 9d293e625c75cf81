import type { ErrorGroupJson } from '../../../src/report/errors.ts'
import { useHeld } from '../state/reading.ts'
import { f, openTrace, parts, t } from '../state/state.ts'
import { useFirstRows } from '../tables/first-rows.tsx'

const HALF_DAY_MS = 43_200_000
const TRACES_MAX = 3

/** A table of errors with the same code and message, technical ones first. */
export function ErrorGroups() {
  const texts = t.value
  const data = parts.value
  const { groups = [], more = 0 } = data?.groups ?? {}
  const { shown, waiting } = useHeld(groups, keyOf)
  const { rows, button } = useFirstRows(shown)
  if (groups.length === 0) return <p class="quiet">{texts.noCodes}</p>
  return (
    <>
      <table class="cards groups" id="error-groups">
        <thead>
          <tr>
            {[texts.errorColumn, texts.count, texts.firstSeen, texts.lastSeen, texts.traces].map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((group) => (
            <Group key={keyOf(group)} group={group} />
          ))}
        </tbody>
      </table>
      {button}
      {waiting > 0 && <p class="quiet">{texts.rowsWait(f.value.count(waiting))}</p>}
      {more > 0 && <p class="quiet">{texts.moreGroups(f.value.count(more))}</p>}
    </>
  )
}

function Group({ group }: { readonly group: ErrorGroupJson }) {
  const texts = t.value
  const now = parts.value?.range.to ?? 0
  const timeOf = (at: number): string => (now - at < HALF_DAY_MS ? f.value.clock(at) : f.value.day(at))
  const traces = group.traces.filter(({ traceId }) => traceId !== undefined)
  return (
    <tr class={group.kind}>
      <th scope="row">
        <strong class="code">{group.code || texts.noCode}</strong>{' '}
        <span class="tags">
          <span class={`tag ${group.kind}`}>{texts.kinds[group.kind]}</span>
          {group.age !== 'continuing' && <span class={`tag ${group.age}`}>{texts.ages[group.age]}</span>}
          {group.fallback && <span class="tag fallback">{texts.hidden}</span>}
        </span>
        <span class="detail">{[group.service, group.message].filter((text) => text !== '').join(' · ')}</span>
      </th>
      <td data-label={texts.count}>{f.value.count(group.count)}</td>
      <td data-label={texts.firstSeen}>{timeOf(group.first)}</td>
      <td data-label={texts.lastSeen}>{timeOf(group.last)}</td>
      <td data-label={texts.traces} class="trace-links">
        {traces.length === 0 && '—'}
        {traces.slice(0, TRACES_MAX).map(({ traceId, at, detail, path }) => (
          <button
            type="button"
            key={`${traceId}/${at}`}
            aria-haspopup="dialog"
            aria-label={texts.traceAt(group.code, f.value.clockExact(at))}
            title={[path, detail].filter((text) => text !== undefined).join(' · ')}
            onClick={() => (openTrace.value = traceId)}
          >
            {f.value.clock(at)}
          </button>
        ))}
      </td>
    </tr>
  )
}

function keyOf({ service, code, message, kind, fallback }: ErrorGroupJson): string {
  return [service, code, message, kind, fallback].join('\u0000')
}
