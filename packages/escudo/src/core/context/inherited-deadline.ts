import { systemClock } from '../clock.ts'
import { ambient, withAmbient } from './ambient.ts'

// A request may bring a deadline, which every shield that serves it inherits. Reading the asynchronous context costs a
// call some 6 %, so no call reads it before the first request with a deadline arrives.
let accepted = false

/** Makes calls look for an inherited deadline. Called where one is set. */
export function acceptDeadlines(): void {
  accepted = true
}

/** Returns the milliseconds left until the deadline of the current request, below 0 if it has passed. */
export function inheritedLeftMs(): number | undefined {
  if (!accepted) return undefined
  const deadlineMs = ambient()?.deadlineMs
  return deadlineMs === undefined ? undefined : deadlineMs - systemClock.now()
}

/** Runs `body` without the deadline of the current request: for work that outlives it or serves other callers too. */
export function withoutDeadline<T>(body: () => T): T {
  const context = accepted ? ambient() : undefined
  if (context?.deadlineMs === undefined) return body()
  return withAmbient({ ...context, deadlineMs: undefined }, body)
}
