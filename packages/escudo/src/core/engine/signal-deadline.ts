import type { Clock } from '../clock.ts'
import type { CancelScope } from './cancel-scope.ts'

// An operation usually passes nothing but its signal to the code that it calls. A symbol leads from the signal back to
// the call, so that an HTTP client can send the time that is left. A WeakMap would do the same at eight times the cost
// of the whole call: the garbage collector keeps its entries for long.

/** The part of a call that this module reads. A second installed copy of escudo has another class with these fields. */
interface TimedCall {
  readonly attempt: number
  readonly deadline: number | undefined
  readonly clock: Clock
  readonly scope?: CancelScope | undefined
}

// Bounds the walk outwards. Shields rarely nest deeper than three.
const CALLS_READ_MAX = 32

// Registered, so that two installed copies of escudo understand each other.
const CALL: unique symbol = Symbol.for('escudo.call')

interface SignalOfCall {
  [CALL]?: TimedCall | undefined
}

// Also registered. A program without an HTTP client does not pay for the link, some 5 % of a call that reads its signal.
const FOLLOWING: unique symbol = Symbol.for('escudo.followsSignals')

/** Shared by all installed copies: true once a client follows signals; before, what to call then. */
const host = globalThis as { [FOLLOWING]?: true | (() => void)[] }

/** Undefined before the first signal. Every signal asks, and a variable is cheaper than the global object. */
let isFollowing: boolean | undefined

function join(): boolean {
  const following = host[FOLLOWING] ?? []
  isFollowing = following === true
  if (following !== true) host[FOLLOWING] = [...following, followHere]
  return isFollowing
}

function followHere(): void {
  isFollowing = true
}

/** Makes calls record their signals from now on. A client calls this when it is created. */
export function followSignals(): void {
  const waiting = host[FOLLOWING]
  host[FOLLOWING] = true
  followHere()
  if (Array.isArray(waiting)) for (const tell of waiting) tell()
}

/**
 * Records the call whose operation has read this signal, if a client follows signals. The latest attempt that reads a
 * shared signal counts.
 */
export function rememberSignal(signal: AbortSignal, call: TimedCall): void {
  if (isFollowing ?? join()) (signal as SignalOfCall)[CALL] = call
}

/** Returns the call of which this is the signal; undefined for a signal that no operation has read from its call. */
export function callOfSignal(signal: AbortSignal | undefined): TimedCall | undefined {
  return (signal as SignalOfCall | undefined)?.[CALL]
}

/**
 * Returns the milliseconds until the earliest deadline of a call and of all calls around it; infinite without any.
 *
 * A call is around another one if its signal was passed to `run`.
 */
export function msLeft(call: TimedCall | undefined): number {
  let leastMs = Number.POSITIVE_INFINITY
  let current = call
  for (let count = 0; current !== undefined && count < CALLS_READ_MAX; count += 1) {
    const { deadline, clock } = current
    if (deadline !== undefined) leastMs = Math.min(leastMs, deadline - clock.now())
    current = callAround(current)
  }
  return leastMs
}

function callAround(call: TimedCall): TimedCall | undefined {
  for (let scope = call.scope; scope !== undefined; scope = scope.enclosing) {
    const around = callOfSignal(scope.source)
    if (around !== undefined) return around
  }
  return undefined
}
