import { isRefusal } from '../../errors/classification.ts'
import { read } from '../../errors/safe-read.ts'
import type { Host } from '../engine/call.ts'
import type { AttemptNote } from '../note.ts'
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
 * @param error the object itself with which a shield's `run` rejected; a copy of it has no explanation
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
export function explain(error: unknown): Explanation | undefined {
  const call = failedCallOf(error)
  return call === undefined ? undefined : explanationOf(error, call)
}

function explanationOf(error: unknown, { root, notes, inside }: FailedCall): Explanation {
  // If a policy refused the last attempt, the attempt did not reach the policies inside it.
  const refusedAt = inside === undefined ? indexOfRefusal(error, root.host) : -1
  const retryAt = notes.find((note) => note.retryAt !== undefined)?.retryAt
  return {
    shield: root.host.name,
    policies: root.host.policies.map(({ name, policy: { type } }, index) => {
      const note = notes.find(({ policy }) => policy === name)
      const reached = refusedAt === -1 || index <= refusedAt
      return { name, type, state: note?.state ?? (reached ? 'passed' : 'not reached'), ...note?.facts }
    }),
    attempts: notes.flatMap(({ attempts = [] }) =>
      attempts.map(({ number, startedAt, durationMs, outcome }) => ({ number, startedAt, durationMs, outcome })),
    ),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(inside === undefined ? {} : { inside: explanationOf(error, inside) }),
  }
}

// If a fallback's function throws, its error has the refusal as its cause. Causes beyond this depth are not searched.
const CAUSES_MAX = 4

/** The index of the policy of this shield that refused the call; -1 if none did. */
function indexOfRefusal(thrown: unknown, host: Host): number {
  let error = thrown
  for (let depth = 0; depth < CAUSES_MAX && error !== undefined; depth += 1) {
    // Another shield may have this name and policies with these names, so the hosts are compared too.
    const isThisShield = (failedCallOf(error)?.root.host ?? host) === host
    if (isThisShield && isRefusal(error) && read(error, 'shield') === host.name) {
      const policy = read(error, 'policy')
      return host.policies.findIndex(({ name }) => name === policy)
    }
    error = read(error, 'cause')
  }
  return -1
}
