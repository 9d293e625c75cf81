import { batch, effect, signal } from '@preact/signals'
import type { ErrorLine, TailLine } from '../../../src/journal/journal.ts'
import type { Column, Parts } from '../../../src/report/view.ts'
import { columns, connection, isPaused, now, parts, seconds, tail } from './state.ts'

const TAIL_MAX = 300
const attempt = signal(0)

type Message = Partial<Omit<Parts, 'errors'>> & {
  readonly now: number
  readonly errors?: readonly ErrorLine[]
  readonly columns?: readonly Column[]
  readonly tail?: readonly TailLine[]
}

/** Keeps the page fed: a connection for each range, none while it is paused. The browser reconnects by itself. */
export function connect(): void {
  effect(() => {
    const range = seconds.value
    attempt.value
    if (isPaused.value) return
    let again: ReturnType<typeof setTimeout> | undefined
    const source = new EventSource(`/api/stream?range=${range}`)
    source.addEventListener('snapshot', (event) => take(JSON.parse(event.data) as Message, true))
    source.addEventListener('delta', (event) => take(JSON.parse(event.data) as Message, false))
    source.addEventListener('error', () => {
      connection.value = 'lost'
      // Refused for good, as by a server that has too many pages: asked again all the same, later.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(() => attempt.value++, 5_000)
    })
    return () => {
      clearTimeout(again)
      source.close()
    }
  })
}

function take(message: Message, isSnapshot: boolean): void {
  batch(() => {
    const { now: clock, columns: changed, tail: fresh, ...moved } = message
    connection.value = 'live'
    now.value = clock
    const known = parts.peek()
    if (Object.keys(moved).length > 0) parts.value = { ...known, ...moved } as NonNullable<typeof known>
    const from = parts.peek()?.range.from ?? 0
    if (isSnapshot) columns.value = changed ?? []
    else if (changed !== undefined || moved.range !== undefined)
      columns.value = merged(columns.peek(), changed ?? [], from)
    if (isSnapshot) tail.value = ordered(fresh ?? [])
    else if (fresh !== undefined) tail.value = ordered([...tail.peek(), ...fresh])
  })
}

function merged(known: readonly Column[], changed: readonly Column[], from: number): readonly Column[] {
  const all = new Map(known.map((column) => [column[0], column]))
  for (const column of changed) all.set(column[0], column)
  return [...all.values()].filter(([at]) => at >= from).sort(([a], [b]) => a - b)
}

function ordered(lines: readonly TailLine[]): readonly TailLine[] {
  return lines.toSorted((a, b) => a.at - b.at || a.id - b.id).slice(-TAIL_MAX)
}
