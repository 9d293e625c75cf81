import { type ErrorFacts, FACTS } from '../errors/error-facts.ts'
import { stackless } from '../errors/stackless.ts'

/** The shield and the policy that an error comes from. */
export interface Origin {
  readonly shield: string
  readonly policy: string
  readonly stacks: boolean
}

/**
 * The base class of all errors that policies create: refusals, timeouts and deadlines.
 *
 * @example
 * ```ts
 * import { PolicyError, shield, timeout } from 'escudo'
 *
 * const report = shield('reports', timeout('5ms'))
 * const answer = await report.run(() => new Promise<string>(() => {})).catch((error) => {
 *   if (error instanceof PolicyError) return `${error.shield}: ${error.code}`
 *   throw error
 * })
 * console.log(answer) // reports: TIMEOUT
 * ```
 */
export abstract class PolicyError extends Error {
  /** For machines. It is also the `error_code` of an HTTP answer; there `TIMEOUT` becomes `UPSTREAM_TIMEOUT`. */
  abstract readonly code: string
  /** The name of the shield. */
  declare readonly shield: string
  /** The name of the policy within the shield. */
  declare readonly policy: string
  /** The number of milliseconds after which a new call makes sense; undefined if the policy does not know. */
  declare readonly retryAfterMs: number | undefined

  constructor(message: string, origin: Origin, retryAfterMs?: number) {
    super(message)
    this.shield = origin.shield
    this.policy = origin.policy
    this.retryAfterMs = retryAfterMs
  }
}

/** Copies an error, without its stack: each caller of a shared flight receives a separate object. */
export function copyOf<E extends PolicyError>(error: E): E {
  const copy = stackless(() => new Error(error.message))
  const { stack: _, ...properties } = Object.getOwnPropertyDescriptors(error)
  Object.defineProperties(copy, properties)
  return Object.setPrototypeOf(copy, Object.getPrototypeOf(error))
}

/** Sets the facts and the name of an error class on its prototype. */
export function defineFacts(errorClass: { readonly prototype: Error }, name: string, facts: ErrorFacts): void {
  Object.defineProperty(errorClass.prototype, FACTS, { value: facts })
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true })
}

/**
 * A timeout expired.
 *
 * It is not a refusal: the operation was called, and outer circuit breakers count a failure.
 *
 * @example
 * ```ts
 * import { shield, TimeoutError, timeout } from 'escudo'
 *
 * const error = await shield('reports', timeout('5ms'))
 *   .run(() => new Promise<never>(() => {}))
 *   .catch((reason) => reason)
 * console.log(error instanceof TimeoutError && error.afterMs) // 5
 * ```
 */
export class TimeoutError extends PolicyError {
  readonly code = 'TIMEOUT'
  /** The duration of the timeout, in milliseconds. */
  readonly afterMs: number

  constructor(origin: Origin, afterMs: number) {
    super(`'${origin.shield}' took longer than ${afterMs} ms (${origin.policy})`, origin)
    this.afterMs = afterMs
  }
}
defineFacts(TimeoutError, 'TimeoutError', { code: 'TIMEOUT', status: 504, kind: 'technical' })

const DEADLINE_EXCEEDED: ErrorFacts = { code: 'DEADLINE_EXCEEDED', status: 503, kind: 'technical', retry: 'never' }
const NO_BLAME: ErrorFacts = { ...DEADLINE_EXCEEDED, verdict: 'ignored' }

/**
 * The caller's deadline expired.
 *
 * The call rejects even if a policy would continue, for example with a retry. It is not a refusal: circuit breakers
 * count a failure. They count nothing if the deadline has passed before the call (the operation is not called then), or if
 * the request around the call brought it.
 *
 * @example
 * ```ts
 * import { DeadlineExceededError, shield } from 'escudo'
 *
 * const error = await shield('reports')
 *   .run(() => new Promise<never>(() => {}), { deadline: '5ms' })
 *   .catch((reason) => reason)
 * console.log(error instanceof DeadlineExceededError) // true
 * ```
 */
export class DeadlineExceededError extends PolicyError {
  readonly code = 'DEADLINE_EXCEEDED'

  /** @param inherited whether the request around the call brought the deadline */
  constructor(origin: Origin, afterMs: number, inherited = false) {
    super(
      afterMs > 0
        ? `'${origin.shield}' did not answer before the deadline, ${Math.ceil(afterMs)} ms after the call`
        : `'${origin.shield}' was called after the deadline`,
      origin,
    )
    // The operation did not run, or the caller chose a time that is too short: the dependency is not to blame.
    if (afterMs <= 0 || inherited) Object.defineProperty(this, FACTS, { value: NO_BLAME, configurable: true })
  }
}
defineFacts(DeadlineExceededError, 'DeadlineExceededError', DEADLINE_EXCEEDED)
