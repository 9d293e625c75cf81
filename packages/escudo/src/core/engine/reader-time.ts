import type { CallRoot, CallState } from './call.ts'
import type { CancelScope } from './cancel-scope.ts'

// An iteration ends when its last item has been read, so it lasts as long as its reader likes. A timeout measures the
// dependency: its time stops while the reader has an item.

/** The time that the reader of an iteration has taken. Present once the reader has received an item. */
export interface ReaderTime {
  takenMs: number
  /** When the reader received the item that it has now; undefined while it waits for one. */
  sinceMs: number | undefined
}

/** Returns how long the reader of a call's items has had an item; 0 for a call that is no iteration. */
export function readerTookMs({ readerTime }: CallRoot, now: number): number {
  if (readerTime === undefined) return 0
  return readerTime.takenMs + (readerTime.sinceMs === undefined ? 0 : now - readerTime.sinceMs)
}

/** Stops the timeouts around a call, because the reader gets an item. Returns a function that lets them go on. */
export function pauseTimeouts({ root, clock, scope: innermost }: CallState): () => void {
  const sinceMs = clock.now()
  root.readerTime ??= { takenMs: 0, sinceMs }
  const { readerTime } = root
  readerTime.sinceMs = sinceMs
  const paused: CancelScope[] = []
  for (let scope = innermost; scope !== undefined; scope = scope.enclosing) {
    if (scope.pause()) paused.push(scope)
  }
  return () => {
    const now = clock.now()
    readerTime.takenMs += now - sinceMs
    readerTime.sinceMs = undefined
    for (const scope of paused) scope.resume(sinceMs, now)
  }
}
