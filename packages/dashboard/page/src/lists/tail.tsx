import type { TailLine } from '../../../src/journal/journal.ts'
import { f, filter, openTrace, t, tail } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { PausableList } from './pausable-list.tsx'

const SHOWN_MAX = 150

/** Shows the last lines of all services, newest first, with a filter. */
export function Tail() {
  const texts = t.value
  const words = filter.value
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const lines = tail.value
    .filter((line) => matches(line, words))
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
      {lines.length === 0 ? (
        <p class="quiet">{tail.value.length === 0 ? texts.noLinesYet : texts.noLines}</p>
      ) : (
        <PausableList
          items={lines}
          keyOf={(line) => String(line.id)}
          label={texts.tail}
          name="tail"
          row={(line) => <TailRow line={line} />}
        />
      )}
    </section>
  )
}

function matches(line: TailLine, words: readonly string[]): boolean {
  const text = [line.service, line.level, line.status, line.text, line.traceId].join(' ').toLowerCase()
  return words.every((word) => text.includes(word))
}

function TailRow({ line }: { readonly line: TailLine }) {
  const content = (
    <>
      <time dateTime={new Date(line.at).toISOString()}>{f.value.clock(line.at)}</time>
      <span class={`level ${line.level ?? ''}`}>{line.level ?? ''}</span>
      <span class="service">{line.service}</span>
      <span class={`status ${classOf(line.status)}`}>{line.status ?? ''}</span>
      <span class="text">{line.text}</span>
    </>
  )
  const { traceId } = line
  if (traceId === undefined) return <div class="row">{content}</div>
  return (
    <button type="button" class="row" aria-haspopup="dialog" onClick={() => (openTrace.value = traceId)}>
      {content}
    </button>
  )
}
