import type { TailLine } from '../../../src/journal/journal.ts'
import { passes, termsOf } from '../state/filter.ts'
import { f, filter, openTrace, staleMs, t, tail } from '../state/state.ts'
import { openLine } from '../state/view.ts'
import { classOf } from '../text/status-class.ts'
import { PausableList } from './pausable-list.tsx'

const SHOWN_MAX = 150
/** Levels differ by their sign and their name, not only by their colour. */
const SIGNS: Readonly<Record<string, string>> = { critical: '✕', error: '✕', warning: '▲' }

/** Shows the last lines of all services, newest first, with a filter. */
export function Tail() {
  const texts = t.value
  const terms = termsOf(filter.value)
  const lines = tail.value
    .filter((line) => passes(line, terms))
    .slice(-SHOWN_MAX)
    .toReversed()
  return (
    <section class="figure">
      <div class="figure-head">
        <h2 id="tail-title">{texts.tail}</h2>
        <label>
          <span class="quiet">{texts.filter}</span>{' '}
          <input
            id="filter"
            type="search"
            value={filter.value}
            placeholder={texts.filterHint}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
        </label>
      </div>
      {staleMs.value !== undefined && <p class="stale">{texts.noNewLines(f.value.rough(staleMs.value))}</p>}
      {lines.length > 0 ? (
        <PausableList
          items={lines}
          keyOf={(line) => String(line.id)}
          label={texts.tail}
          name="tail"
          row={(line) => <TailRow line={line} />}
        />
      ) : tail.value.length === 0 ? (
        <p class="quiet">{texts.noLinesYet}</p>
      ) : (
        <p class="quiet">
          {texts.noLines}{' '}
          <button type="button" onClick={() => (filter.value = '')}>
            {texts.clearFilter}
          </button>
        </p>
      )}
    </section>
  )
}

function TailRow({ line }: { readonly line: TailLine }) {
  const { traceId, ref, level, status, latencyMs } = line
  const content = (
    <>
      <time dateTime={new Date(line.at).toISOString()}>{f.value.clock(line.at)}</time>
      <span class={`level ${level ?? ''}`}>
        <span aria-hidden="true">{SIGNS[level ?? ''] ?? ''}</span> {level ?? ''}
      </span>
      <span class="service">{line.service}</span>
      <span class={`status ${classOf(status)}`}>{status ?? ''}</span>
      <span class="latency">{latencyMs === undefined ? '' : f.value.duration(latencyMs)}</span>
      <span class="text">{line.text}</span>
    </>
  )
  if (traceId === undefined && ref === undefined) return <div class="row">{content}</div>
  const open = (): void => {
    if (traceId !== undefined) openTrace.value = traceId
    else openLine.value = ref
  }
  return (
    <button type="button" class="row" aria-haspopup="dialog" onClick={open}>
      {content}
    </button>
  )
}
