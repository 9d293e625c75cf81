import { signal } from '@preact/signals'
import type { Progress } from '../../../src/search/history.ts'
import { type Problem, queryOf, withField } from '../../../src/search/query.ts'
import type { SearchLine } from '../../../src/search/search-line.ts'
import type { StreamedSearch } from '../../../src/search/search-server.ts'
import { route, service } from './selection.ts'
import { filter, now, remember } from './state.ts'

/** A search over the history of all files. */
export interface Search {
  readonly text: string
  readonly state: 'running' | 'ended' | 'cancelled' | 'failed' | 'busy' | 'expired' | 'invalid'
  /** Why the query makes no sense. */
  readonly problem: Problem | undefined
  /** The newest first. */
  readonly lines: readonly SearchLine[]
  readonly progress: Progress | undefined
  /** The cursor to continue with; null if all files were searched. */
  readonly next: string | null
  readonly isPartial: boolean
}

/** The search that is shown instead of the live tail; undefined for none. */
export const search = signal<Search | undefined>(undefined)

const LIMIT = 100
let running: AbortController | undefined

/** Searches the whole history for what is in the filter, and what is chosen. An empty filter ends the search. */
export function startSearch(): void {
  let text = filter.peek().trim()
  if (text === '') {
    closeSearch()
    return
  }
  for (const [name, { value }] of [['service', service] as const, ['route', route] as const])
    if (value !== undefined && !queryOf(text, 0).terms.some((term) => term.name === name))
      text = withField(text, name, value)
  filter.value = text
  remember('q', text)
  const { problem } = queryOf(text, now.peek())
  const empty = { text, problem, lines: [], progress: undefined, next: null, isPartial: false }
  running?.abort()
  if (problem !== undefined) search.value = { ...empty, state: 'invalid' }
  else void run({ ...empty, state: 'running' }, undefined)
}

/** Finds older lines. */
export function continueSearch(): void {
  const current = search.peek()
  if (current?.next != null) void run({ ...current, state: 'running', progress: undefined }, current.next)
}

/** Ends the search and keeps what it found. */
export function cancelSearch(): void {
  running?.abort()
  change({ state: 'cancelled', next: null })
}

/** Shows the live tail again. */
export function closeSearch(): void {
  running?.abort()
  search.value = undefined
  remember('q', undefined)
  // The button that was pressed is gone.
  document.getElementById('filter')?.focus()
}

/** Returns the folded texts that a query looks for: they are marked in what it finds. */
export function wordsOf(text: string): readonly string[] {
  return queryOf(text, 0).terms.flatMap(({ name, value, isNegated }) =>
    !isNegated && (name === undefined || name === 'text') && value !== '' ? [value] : [],
  )
}

/** Starts the search of the URL. */
export function searchFromUrl(): void {
  const text = new URLSearchParams(location.search).get('q')
  if (text === null || text === '') return
  filter.value = text
  startSearch()
}

function change(changed: Partial<Search>): void {
  const current = search.peek()
  if (current !== undefined) search.value = { ...current, ...changed }
}

async function run(started: Search, cursor: string | undefined): Promise<void> {
  const abort = new AbortController()
  running = abort
  search.value = started
  const query = new URLSearchParams({ q: started.text, limit: String(LIMIT) })
  if (cursor !== undefined) query.set('cursor', cursor)
  try {
    const response = await fetch(`api/search/stream?${query}`, { signal: abort.signal })
    if (!response.ok || response.body === null) {
      const isExpired = response.status === 400 && cursor !== undefined
      return change({ state: response.status === 503 ? 'busy' : isExpired ? 'expired' : 'failed' })
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const messages = (rest + read.value).split('\n')
      rest = messages.pop() ?? ''
      if (abort.signal.aborted) return
      for (const message of messages) apply(JSON.parse(message) as StreamedSearch)
    }
    // A connection that was lost ends without the end of the search.
    if (search.peek()?.state === 'running' && running === abort) change({ state: 'failed' })
  } catch {
    if (!abort.signal.aborted) change({ state: 'failed' })
  }
}

function apply(message: StreamedSearch): void {
  if ('progress' in message) change({ progress: message.progress })
  else if ('lines' in message) change({ lines: [...(search.peek()?.lines ?? []), ...message.lines] })
  else change({ state: 'ended', next: message.end.next, isPartial: message.end.is_partial })
}
