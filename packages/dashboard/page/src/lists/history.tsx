import { fold } from '../../../src/search/query.ts'
import type { SearchLine } from '../../../src/search/search-line.ts'
import { cancelSearch, closeSearch, continueSearch, type Search, startSearch, wordsOf } from '../state/search.ts'
import { f, filter, openTrace, t } from '../state/state.ts'
import { openLine } from '../state/view.ts'
import { LineRow } from './line-row.tsx'

/** Shows what a search over the history found, newest first. */
export function History({ found }: { readonly found: Search }) {
  const texts = t.value
  const { state, lines, progress, next } = found
  const isRunning = state === 'running'
  const words = wordsOf(found.text)
  const share = progress === undefined || progress.all === 0 ? 0 : progress.read / progress.all
  return (
    <>
      <div class="search-state">
        <p role={state === 'failed' || state === 'invalid' || state === 'busy' ? 'alert' : 'status'}>
          {sentenceOf(found)}
          {/* The filter may have changed since. */}
          {filter.value.trim() !== found.text && <code class="quiet"> {found.text}</code>}
          {found.isPartial && ` ${texts.tracePartial}`}
        </p>
        {/* One button, so that the focus stays on it when the search ends. */}
        <button type="button" onClick={isRunning ? cancelSearch : closeSearch}>
          {isRunning ? texts.cancelSearch : texts.backToLive}
        </button>
        {!isRunning && state !== 'ended' && state !== 'invalid' && (
          <button type="button" onClick={startSearch}>
            {texts.searchAgain}
          </button>
        )}
        {isRunning && (
          <>
            <progress value={share} max={1} aria-label={texts.searching} />
            <span class="quiet">
              {texts.searched(f.value.percent(Math.floor(share * 100) / 100), f.value.count(lines.length))}
            </span>
          </>
        )}
      </div>
      {lines.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard
        <section class="scroll tail history" tabIndex={0} aria-label={texts.history} onKeyDown={moveFocus}>
          <ul id="history">
            {lines.map((line, index) => (
              <li key={`${line.place}-${index}`}>
                <Row line={line} words={words} />
              </li>
            ))}
          </ul>
          {next !== null && (
            <button type="button" class="older" disabled={isRunning} onClick={continueSearch}>
              {texts.older}
            </button>
          )}
        </section>
      )}
      {lines.length === 0 && next !== null && !isRunning && (
        <button type="button" onClick={continueSearch}>
          {texts.older}
        </button>
      )}
    </>
  )
}

function sentenceOf({ state, lines, next, problem }: Search): string {
  const texts = t.value
  const count = f.value.count(lines.length)
  if (state === 'invalid' && problem !== undefined) return `${texts.queryProblems[problem.kind]} (${problem.term})`
  if (state === 'busy') return texts.searchBusy
  if (state === 'failed') return texts.traceFailed
  if (state === 'expired') return texts.searchExpired
  if (state === 'cancelled') return texts.searchCancelled(count)
  if (state === 'running') return texts.searching
  if (next !== null) return texts.foundSoFar(count)
  return lines.length === 0 ? texts.foundNothing : texts.foundAll(count)
}

/** The arrow keys move between the lines. */
function moveFocus(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0 || !(event.currentTarget instanceof HTMLElement)) return
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('button')]
  const next = rows[rows.indexOf(document.activeElement as HTMLElement) + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

function Row({ line, words }: { readonly line: SearchLine; readonly words: readonly string[] }) {
  const { at, level, service, status, latency_ms, trace_id, event, method, path, message, error_code } = line
  const time = at === null ? undefined : Date.parse(at)
  const name = event === 'http.request' ? null : event
  const text = [name, method, path, message ?? error_code].filter((part) => part !== null && part !== '').join(' ')
  const open = (): void => {
    if (trace_id !== null) openTrace.value = trace_id
    else openLine.value = line.place.split('-').map(Number) as unknown as NonNullable<typeof openLine.value>
  }
  return (
    <LineRow
      at={time}
      time={time === undefined ? '—' : `${f.value.date(time)} ${f.value.clock(time)}`}
      level={level}
      service={<Marked text={service} words={words} />}
      status={status ?? undefined}
      latencyMs={latency_ms}
      text={<Marked text={text} words={words} />}
      open={open}
    />
  )
}

/** A text with the words marked that were searched for. */
function Marked({ text, words }: { readonly text: string; readonly words: readonly string[] }) {
  const folded = fold(text)
  const parts: (string | preact.JSX.Element)[] = []
  let end = 0
  for (let at = 0; at < text.length; at += 1) {
    const word = words.find((one) => folded.startsWith(one, at))
    if (word === undefined) continue
    parts.push(text.slice(end, at), <mark>{text.slice(at, at + word.length)}</mark>)
    end = at + word.length
    at = end - 1
  }
  return (
    <>
      {parts}
      {text.slice(end)}
    </>
  )
}
