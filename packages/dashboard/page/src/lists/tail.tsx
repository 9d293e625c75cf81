import { useRef } from 'preact/hooks'
import type { TailLine } from '../../../src/journal/journal.ts'
import { queryOf } from '../../../src/search/query.ts'
import { passes } from '../state/filter.ts'
import { closeSearch, search, startSearch } from '../state/search.ts'
import { f, filter, now, openTrace, staleMs, t, tail } from '../state/state.ts'
import { openLine } from '../state/view.ts'
import { History } from './history.tsx'
import { LineRow } from './line-row.tsx'
import { PausableList } from './pausable-list.tsx'

const SHOWN_MAX = 150

/** Shows the last lines of all services, newest first, with a filter; or what a search over the history found. */
export function Tail() {
  const texts = t.value
  return (
    <section class="figure">
      <div class="figure-head">
        <h2 id="tail-title">{search.value === undefined ? texts.tail : texts.history}</h2>
        <FilterForm />
      </div>
      {search.value === undefined ? <LiveLines /> : <History found={search.value} />}
    </section>
  )
}

function FilterForm() {
  const texts = t.value
  const form = useRef<HTMLFormElement>(null)
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    startSearch()
    // The field may be the last thing in the window, and what is found is below it.
    form.current?.closest('section')?.scrollIntoView({ block: 'start' })
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // Elsewhere the key clears the field.
    if (event.key !== 'Escape' || search.peek() === undefined) return
    event.preventDefault()
    closeSearch()
  }
  return (
    <search>
      <form class="filter-form" ref={form} onSubmit={onSubmit}>
        <label>
          <span class="quiet">{texts.filter}</span>
          <input
            id="filter"
            type="search"
            value={filter.value}
            placeholder={texts.filterHint}
            aria-invalid={search.value?.state === 'invalid'}
            onInput={(event) => (filter.value = event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
        </label>
        <button type="submit">
          {texts.searchHistory} <span aria-hidden="true">⏎</span>
        </button>
      </form>
    </search>
  )
}

function LiveLines() {
  const texts = t.value
  const { terms } = queryOf(filter.value, now.value)
  const lines = tail.value
    .filter((line) => passes(line, terms))
    .slice(-SHOWN_MAX)
    .toReversed()
  return (
    <>
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
    </>
  )
}

function TailRow({ line }: { readonly line: TailLine }) {
  const { at, traceId, ref } = line
  const open = (): void => {
    if (traceId !== undefined) openTrace.value = traceId
    else openLine.value = ref
  }
  const isOpenable = traceId !== undefined || ref !== undefined
  return <LineRow {...line} time={f.value.clock(at)} open={isOpenable ? open : undefined} />
}
