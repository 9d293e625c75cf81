import type { CallState } from './call.ts'
import type { CallRoot } from './call-root.ts'
import type { CancelScope } from './cancel-scope.ts'

// An iteration ends when its last item has been read, so it lasts as long as its reader likes. A timeout measures the
// dependency: its time stops while the reader has an item.

/** Returns how long the reader of a call's items has had an item; 0 for a call that is no iteration. */
export function readerTookMs({ readerTime }: CallRoot, now: number): number {
  if (readerTime === undefined) return 0
  return readerTime.takenMs + (readerTime.sinceMs === undefined ? 0 : now - readerTime.sinceMs)
}

/** Stops the timeouts around a call, because the reader gets an item. Returns a function that lets them go on. */
export function pauseTimeouts({ root, scope: innermost }: CallState): () => void {
  // A custom policy may have passed a copy of the call, which has no getters.
  const { clock } = root.host
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
