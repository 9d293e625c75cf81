import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { Scope } from './scope.ts'

/** One run of an operation, as the operation sees it. It does not change; a retry or a timeout makes a new one. */
export interface Call {
  /** Aborts when the caller gives up, or when a timeout or deadline around the operation runs out. Made when first read. */
  readonly signal: AbortSignal
  /** From 1; 2 is the first retry. */
  readonly attempt: number
  /** The instant, on `clock`, after which nobody waits for the result. */
  readonly deadline: number | undefined
  /** Which tenant, user or resource the call is for, where a policy keeps state for each. */
  readonly key: string | undefined
  /** Higher goes first where calls queue. Default 0. */
  readonly priority: number
  /** Where the call's time comes from. */
  readonly clock: Clock
  /** Where the call's chance comes from. */
  readonly random: Random
}

/** The call as policies see it: with the scope that can cut it. */
export class CallState implements Call {
  readonly clock: Clock
  readonly random: Random
  /** What can cut this call; undefined when nothing can. */
  readonly scope: Scope | undefined
  readonly attempt: number
  readonly deadline: number | undefined
  readonly key: string | undefined
  readonly priority: number
  #signal: AbortSignal | undefined

  constructor(
    clock: Clock,
    random: Random,
    scope: Scope | undefined,
    attempt: number,
    deadline: number | undefined,
    key: string | undefined,
    priority: number,
  ) {
    this.clock = clock
    this.random = random
    this.scope = scope
    this.attempt = attempt
    this.deadline = deadline
    this.key = key
    this.priority = priority
  }

  get signal(): AbortSignal {
    if (this.scope !== undefined) return this.scope.signal
    // Nothing can cut this call, but its operation may hang listeners on the signal: one of its own, so that they go
    // when the call goes.
    this.#signal ??= new AbortController().signal
    return this.#signal
  }
}

/** The same call as another attempt. */
export function withAttempt(call: Call, attempt: number): CallState {
  const { scope } = call as CallState
  return new CallState(call.clock, call.random, scope, attempt, call.deadline, call.key, call.priority)
}

/**
 * The same call inside a scope that ends at `deadline`, or at the call's own deadline where that is earlier or the scope
 * has none.
 */
export function withScope(call: Call, scope: Scope, deadline?: number): CallState {
  const own = call.deadline
  const earlier = deadline === undefined || (own !== undefined && own < deadline) ? own : deadline
  return new CallState(call.clock, call.random, scope, call.attempt, earlier, call.key, call.priority)
}

/** What can cut a call off; undefined when nothing can. */
export function scopeOf(call: Call): Scope | undefined {
  return (call as CallState).scope
}
