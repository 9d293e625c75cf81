import type { Clock } from '../clock.ts'
import { ConfigurationError } from '../options/configuration-error.ts'
import { show } from '../options/durations.ts'
import { wholeNumber } from '../options/options.ts'
import { checkedKey, checkedPriority } from '../options/run-options.ts'
import type { Random } from '../random.ts'
import { type CallRoot, copiedRoot } from './call-root.ts'
import type { CancelScope } from './cancel-scope.ts'
import { settleCharges } from './charges.ts'
import { rememberSignal } from './signal-deadline.ts'

export { CallRoot, startedAfter } from './call-root.ts'

/** One run of an operation. Immutable: a retry or a timeout creates a new one. */
export interface Call {
  /**
   * Aborts when the caller aborts, or when a timeout or deadline around the operation expires. Created on first access.
   */
  readonly signal: AbortSignal
  /** The number of the attempt, from 1; 2 is the first retry. */
  readonly attempt: number
  /**
   * The instant, in milliseconds on `clock`, at which the call expires: by the caller's deadline or by a timeout around
   * the operation, whichever is earlier. Undefined without either.
   */
  readonly deadline: number | undefined
  /** The tenant, user or resource that the call is for. Policies with `perKey` keep separate state for each key. */
  readonly key: string | undefined
  /** Calls with a higher priority leave a queue first. Default 0. */
  readonly priority: number
  /** The clock of the shield. */
  readonly clock: Clock
  /** The source of random numbers of the shield. */
  readonly random: Random
  /** The arguments of the function that `wrap` has wrapped; undefined for a call of `run` or `iterate`. */
  readonly args: readonly unknown[] | undefined
  /** How many permits of each rate limiter the call takes. Default 1. */
  readonly cost: number
  /**
   * Corrects the cost of this attempt to what it has used, a whole number from 0: each rate limiter refunds the
   * difference, or takes it, once. It may be called after the operation has ended.
   *
   * @throws TypeError for a call without the option `cost`; ConfigurationError for an invalid number
   */
  settle(actual: number): void
}

/** The call as policies see it: with the scope that can cancel it. */
export class CallState implements Call {
  declare readonly root: CallRoot
  /** The scope that can cancel this call; undefined if nothing can. */
  declare readonly scope: CancelScope | undefined
  /**
   * A custom policy divides a shield into parts. This is the scope with which the call entered the current part. When
   * it is cancelled, this part still waits for its operation; only the part that created the scope stops waiting.
   */
  declare readonly partScope: CancelScope | undefined
  declare readonly attempt: number
  declare readonly deadline: number | undefined
  /**
   * When the call entered its policies, in milliseconds on its clock. Undefined until a policy needs it, and again
   * after every wait. Policies that are entered at the same moment share one reading: it costs as much as a policy.
   */
  declare enteredMs: number | undefined

  constructor(
    root: CallRoot,
    scope: CancelScope | undefined,
    attempt: number,
    deadline: number | undefined,
    partScope?: CancelScope | undefined,
  ) {
    this.root = root
    this.scope = scope
    this.partScope = partScope
    this.attempt = attempt
    this.deadline = deadline
    this.enteredMs = undefined
  }

  get clock(): Clock {
    return this.root.host.clock
  }

  get random(): Random {
    return this.root.host.random
  }

  get key(): string | undefined {
    return this.root.key
  }

  get priority(): number {
    return this.root.priority
  }

  get args(): readonly unknown[] | undefined {
    return this.root.args
  }

  get cost(): number {
    return this.root.cost ?? 1
  }

  /** A function without `this`, because operations take their call apart: `({ settle }) => …`. */
  get settle(): (actual: number) => void {
    return (actual) => settleCharges(this.root, this.attempt, actual)
  }

  get signal(): AbortSignal {
    if (this.scope !== undefined) {
      const { signal } = this.scope
      rememberSignal(signal, this)
      return signal
    }
    // Nothing can cancel this call, but its operation may add listeners to the signal. A signal shared between calls
    // would keep them after the call has ended.
    this.root.ownSignal ??= new AbortController().signal
    // Without a scope there is no deadline. Only the number of a retry is of interest.
    if (this.attempt > 1) rememberSignal(this.root.ownSignal, this)
    return this.root.ownSignal
  }
}

/**
 * Reads the call that a custom policy passes to `next`.
 *
 * It is the call that the policy received, or a copy such as `{ ...call, attempt: 2 }`, which lacks the getters of the
 * class. The copy may have another attempt, deadline, key or priority.
 *
 * @throws TypeError if the value is no call, or is a copy with another signal, clock or `random`, or with an attempt,
 * deadline, key or priority of a wrong type
 */
export function callFromCustomPolicy(given: Call): CallState {
  if (given instanceof CallState) return given
  const copy = given as Partial<CallState> | undefined
  const root = copy?.root
  if (root?.host === undefined) throw new TypeError('next() expects the call that the policy received, or a copy of it')
  const { scope, attempt = 1, deadline, clock, random } = copy as Partial<CallState>
  const { host } = root
  // A call of a second installed copy of escudo has the getter of its class; reading it would create a signal.
  if (Object.hasOwn(given, 'signal')) {
    const { signal } = given
    if (signal !== undefined && signal !== (scope?.signal ?? root.ownSignal)) throw notReplaceable('signal')
  }
  if (clock !== undefined && clock !== host.clock) throw notReplaceable('clock')
  if (random !== undefined && random !== host.random) throw notReplaceable('random')
  // A copy made with a spread lacks the getters. One that has a key of undefined is for a call without a key.
  const key = checkedKey('key' in given ? given.key : root.key, 'next.key')
  const priority = checkedPriority(copy?.priority ?? root.priority, 'next.priority')
  const number = wholeNumber(attempt, 'next.attempt', 1)
  return new CallState(copiedRoot(root, key, priority), scope, number, checkedDeadline(deadline))
}

function checkedDeadline(deadline: unknown): number | undefined {
  if (deadline === undefined || (typeof deadline === 'number' && !Number.isNaN(deadline))) return deadline
  throw new ConfigurationError('next.deadline', `expected an instant on the clock of the call, got ${show(deadline)}`)
}

function notReplaceable(name: string): TypeError {
  return new TypeError(`a copy of a call cannot have another '${name}'; pass a different one to the operation directly`)
}

/** Creates a call that nothing can cancel: its caller passed neither a signal nor a deadline. */
export function newCall(root: CallRoot): CallState {
  return new CallState(root, undefined, 1, undefined)
}

/** The same call with another attempt number. */
export function withAttempt(call: CallState, attempt: number): CallState {
  const { root, scope, deadline, partScope } = call
  return new CallState(root, scope, attempt, deadline, partScope)
}

/** The same call after a wait: policies around the wait keep the instant at which the call entered them. */
export function afterWait(call: CallState): CallState {
  return withAttempt(call, call.attempt)
}

/** The same call inside `scope`. Its deadline is the earlier of `deadline` and its own; either may be undefined. */
export function withScope(call: CallState, scope: CancelScope, deadline?: number): CallState {
  const { root, attempt, deadline: own, enteredMs, partScope } = call
  const earlier = deadline === undefined || (own !== undefined && own < deadline) ? own : deadline
  const inside = new CallState(root, scope, attempt, earlier, partScope)
  inside.enteredMs = enteredMs
  return inside
}

/** The same call at the start of a part of the shield. A custom policy may have waited, so `enteredMs` is cleared. */
export function enterPart(call: CallState): CallState {
  const { root, scope, attempt, deadline, partScope, enteredMs } = call
  if (partScope === scope && enteredMs === undefined) return call
  return new CallState(root, scope, attempt, deadline, scope)
}

/** When the call entered its policies, in milliseconds on its clock. The first policy that needs it reads the clock. */
export function enteredMs(call: CallState): number {
  call.enteredMs ??= call.root.host.clock.now()
  return call.enteredMs
}

/**
 * The scope that can cancel the call of an operation; undefined if nothing can, and for a call that escudo did not make.
 *
 * A second installed copy of escudo has another class with the same field, so this checks the field, not the class.
 */
export function scopeOf(call: Call): CancelScope | undefined {
  return (call as Partial<CallState>).scope
}
