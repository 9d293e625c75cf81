import { batch, effect, signal } from '@preact/signals'
import type { TailLine } from '../../../src/journal/journal.ts'
import type { Column, Parts } from '../../../src/report/view.ts'
import { heard, watchSilence } from './silence.ts'
import { columns, connection, isPaused, now, parts, tail } from './state.ts'
import { isRangeLoading, viewQuery } from './view.ts'

const TAIL_MAX = 300
const attempt = signal(0)
/** What the numbers of the last snapshot are about. */
let shownQuery: string | undefined
/** The wait after a refusal doubles up to a minute. */
const FULL_WAIT_MS = 5_000
const FULL_WAIT_MS_MAX = 60_000
let fullWaitMs = FULL_WAIT_MS

type Message = Partial<Parts> & {
  readonly now: number
  readonly columns?: readonly Column[]
  readonly tail?: readonly TailLine[]
}

/** Connects again at once. */
export function reconnect(): void {
  attempt.value += 1
}

/**
 * Connects to the stream: one connection per range and selection, none while paused.
 *
 * The browser reconnects automatically.
 */
export function connect(): void {
  watchSilence(() => attempt.value++)
  effect(() => {
    const query = viewQuery.value
    attempt.value
    // While paused, another range or selection still gets its numbers, once.
    if (isPaused.value && query === shownQuery) return
    isRangeLoading.value = query !== shownQuery && shownQuery !== undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const source = new EventSource(`api/stream?${query}`)
    source.addEventListener('snapshot', (event) => {
      shownQuery = query
      isRangeLoading.value = false
      applyMessage(JSON.parse(event.data) as Message, true)
      if (isPaused.peek()) source.close()
    })
    source.addEventListener('delta', (event) => applyMessage(JSON.parse(event.data) as Message, false))
    source.addEventListener('full', () => {
      // Too many pages are connected. Without this the browser would reconnect at once, again and again.
      source.close()
      connection.value = 'full'
      retry = setTimeout(() => attempt.value++, fullWaitMs)
      fullWaitMs = Math.min(fullWaitMs * 2, FULL_WAIT_MS_MAX)
    })
    source.addEventListener('error', () => {
      if (connection.peek() === 'full' && source.readyState === EventSource.CLOSED) return
      connection.value = 'lost'
      // The browser does not reconnect after a status other than 200. Retry after 5 s.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(() => attempt.value++, 5_000)
    })
    return () => {
      clearTimeout(retry)
      source.close()
    }
  })
}

function applyMessage(message: Message, isSnapshot: boolean): void {
  heard()
  batch(() => {
    const { now: serverNow, columns: changedColumns, tail: fresh, ...changedParts } = message
    connection.value = 'live'
    fullWaitMs = FULL_WAIT_MS
    now.value = serverNow
    const current = parts.peek()
    if (Object.keys(changedParts).length > 0)
      parts.value = { ...current, ...changedParts } as NonNullable<typeof current>
    const from = parts.peek()?.range.from ?? 0
    if (isSnapshot) columns.value = changedColumns ?? []
    else if (changedColumns !== undefined || changedParts.range !== undefined)
      columns.value = merged(columns.peek(), changedColumns ?? [], from)
    if (isSnapshot) tail.value = ordered(fresh ?? [])
    else if (fresh !== undefined) tail.value = ordered([...tail.peek(), ...fresh])
  })
}

function merged(current: readonly Column[], changedColumns: readonly Column[], from: number): readonly Column[] {
  const all = new Map(current.map((column) => [column[0], column]))
  for (const column of changedColumns) all.set(column[0], column)
  return [...all.values()].filter(([at]) => at >= from).sort(([a], [b]) => a - b)
}

function ordered(lines: readonly TailLine[]): readonly TailLine[] {
  return lines.toSorted((a, b) => a.at - b.at || a.id - b.id).slice(-TAIL_MAX)
}
