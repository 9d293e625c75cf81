import { isRefusal } from '../../errors/classification.ts'
import { read } from '../../errors/safe-read.ts'
import type { CallRoot, CallState } from '../engine/call.ts'
import type { AttemptNote, Note } from '../note.ts'
import { withTimes } from '../wall-time.ts'
import { type FailedCall, failedCallOf } from './failed-call.ts'

/** What one policy did in a failed call. */
export interface PolicyExplanation {
  /** The policy's name within the shield. */
  readonly name: string
  /** The name of its factory: `retry`, `circuitBreaker`. */
  readonly type: string
  /**
   * What the policy did: a circuit breaker's state, `full`, `timed out`. `passed` if it let the call and its failure
   * through; `not reached` if the last attempt ended before it reached this policy.
   */
  readonly state: string
  /** The counters that decided, at the moment of the decision. */
  readonly [counter: string]: unknown
}

/** What happened to a failed call. JSON-able. */
export interface Explanation {
  /** The shield's name. */
  readonly shield: string
  /** All policies of the shield, outermost first. */
  readonly policies: readonly PolicyExplanation[]
  /** The attempts of the retry or hedge, oldest first, at most 32. Empty without a retry or hedge. */
  readonly attempts: readonly AttemptNote[]
  /** When a new call makes sense, in milliseconds on the shield's clock. Absent if no policy knows. */
  readonly retryAt?: number
  /** `retryAt` in ISO 8601, if the clock is the system's; so are `openedTime` and `startedTime`. */
  readonly retryTime?: string
  /** The explanation by an inner shield, if the error came through one. */
  readonly inside?: Explanation
}

/**
 * Explains a failed call.
 *
 * The explanation lists the policies of the shield, the state and counters that decided, the attempts with their times,
 * and when a new call makes sense. Policies record notes only when something goes wrong, so a successful call costs
 * nothing more.
 *
 * It also works inside the function of a `fallback` and for the `error` of its event, with what happened so far.
 *
 * @param errorOrCall the object itself with which a shield's `run` rejected (a copy of it has no explanation), or a call
 * @returns undefined if the error did not come from a shield, or is not an object (a string, a number). If several
 * calls rejected with the same object, the explanation is that of the last call
 * @example
 * ```ts
 * import { circuitBreaker, consecutive, explain, shield } from 'escudo'
 *
 * const payments = shield('payments', circuitBreaker({ trip: consecutive(1), openFor: '10s' }))
 * await payments.run(() => Promise.reject(new Error('connection refused'))).catch(() => {})
 * const refusal = await payments.run(() => 'paid').catch((error) => error)
 * console.log(explain(refusal)?.policies) // [{ name: 'circuitBreaker', type: …, state: 'open', failures: 1, calls: 1, … }]
 * ```
 */
export function explain(errorOrCall: unknown): Explanation | undefined {
  const failed = failedCallOf(errorOrCall)
  if (failed !== undefined) return explanationOf(failed.root, failed.notes, failed.inside)
  const root = rootOf(errorOrCall)
  return root === undefined ? undefined : explanationOf(root, root.notes ?? [], undefined)
}

/**
 * Returns whether the operation ran in a call that failed.
 *
 * False if the call was refused, cancelled or past its deadline before its first attempt reached the operation: the
 * dependency was not called, and it is safe to make the call again. A refusal alone does not say that:
 * `isRefusal(error)` is also true if an earlier attempt ran and a later one was refused.
 *
 * @param errorOrCall the object with which a shield's `run` rejected, or a call. If several calls rejected with the same
 * object, such as the reason of a signal that they share, true if the operation ran in any of them
 * @returns true for an error that did not come from a shield, unless it is a refusal without a cause
 * @example
 * ```ts
 * import { circuitBreaker, consecutive, constant, isRefusal, retry, shield, wasCalled } from 'escudo'
 *
 * const stock = shield(
 *   'stock',
 *   retry({ maxRetries: 1, backoff: constant(1) }),
 *   circuitBreaker({ trip: consecutive(1), openFor: '10s' }),
 * )
 * const reserve = () => Promise.reject(new Error('connection reset'))
 * const error = await stock.run(reserve).catch((reason) => reason)
 * // The first attempt failed and opened the circuit; the second one was refused.
 * console.log(isRefusal(error), wasCalled(error)) // true true
 * ```
 */
export function wasCalled(errorOrCall: unknown): boolean {
  const called = failedCallOf(errorOrCall)?.called ?? rootOf(errorOrCall)?.called
  // The private field of a second installed copy of escudo cannot be read. The cause of a refusal is an attempt that ran.
  return called ?? (!isRefusal(errorOrCall) || read(errorOrCall, 'cause') !== undefined)
}

/** The data of a call, also of a copy that a custom policy made. */
function rootOf(value: unknown): CallRoot | undefined {
  const root = read(value, 'root' satisfies keyof CallState) as CallRoot | undefined
  return Array.isArray(read(read(root, 'host'), 'policies')) ? root : undefined
}

function explanationOf(root: CallRoot, notes: readonly Note[], inside: FailedCall | undefined): Explanation {
  const { name, policies, clock } = root.host
  const endedIn = notes.find((note) => note.endedHere)?.policy
  const endedAt = endedIn === undefined ? policies.length : policies.findIndex((policy) => policy.name === endedIn)
  const retryAt = notes.find((note) => note.retryAt !== undefined)?.retryAt
  return {
    shield: name,
    policies: policies.map(({ name, policy: { type } }, index) => {
      const note = notes.find(({ policy }) => policy === name)
      const state = note?.state ?? (index <= endedAt ? 'passed' : 'not reached')
      return { name, type, state, ...(note?.facts && withTimes(note.facts, clock)) }
    }),
    attempts: notes.flatMap(({ attempts = [] }) =>
      attempts.map(({ number, startedAt, durationMs, outcome }) =>
        withTimes({ number, startedAt, durationMs, outcome }, clock),
      ),
    ),
    ...(retryAt === undefined ? {} : withTimes({ retryAt }, clock)),
    ...(inside === undefined ? {} : { inside: explanationOf(inside.root, inside.notes, inside.inside) }),
  }
}
