import { isInstance } from '../../errors/safe-read.ts'

/**
 * A thrown value that Express would not treat as an error.
 *
 * A synchronous `throw null` or `throw 'route'` means "continue" to Express, and so does an asynchronous `'router'`: the
 * client would get a 404 for a bug.
 */
class ThrownValue extends Error {
  readonly value: unknown

  constructor(value: unknown) {
    super(`a handler threw ${String(value)}, which is no Error`)
    this.name = 'ThrownValue'
    this.value = value
  }
}

/** Returns what Express treats as an error. */
export function asError(thrown: unknown): unknown {
  const isSignal = !thrown || thrown === 'route' || thrown === 'router'
  return isSignal ? new ThrownValue(thrown) : thrown
}

/** Returns the value that a handler threw. */
export function thrownValueOf(error: unknown): unknown {
  return isInstance(error, ThrownValue) ? error.value : error
}
