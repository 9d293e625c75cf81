import { type ErrorFacts, FACTS } from '../errors/error-facts.ts'

/** Where a policy's error comes from. */
export interface Origin {
  readonly shield: string
  readonly policy: string
  readonly stacks: boolean
}

/**
 * What all errors that escudo's policies make have in common.
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
  /** For machines, and the `error_code` of the answer that it becomes. */
  abstract readonly code: string
  /** The name of the shield. */
  readonly shield: string
  /** The name of the policy within the shield. */
  readonly policy: string
  /** In how many milliseconds it makes sense to come back, where that is known. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, origin: Origin, retryAfterMs?: number) {
    super(message)
    this.shield = origin.shield
    this.policy = origin.policy
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Makes an error without capturing its stack: while a circuit is open, refusals are the hot path, and a stack costs
 * several times all the rest. `stackTraceLimit` is V8's and JavaScriptCore's; where it is absent or cannot be set
 * the error simply has its stack.
 */
export function stackless<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error
  if (stackTraceLimit === undefined || !Reflect.set(Error, 'stackTraceLimit', 0)) return make()
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Puts an error's facts and name on its class, once for all instances. */
export function defineFacts(errorClass: { readonly prototype: Error }, name: string, facts: ErrorFacts): void {
  Object.defineProperty(errorClass.prototype, FACTS, { value: facts })
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true })
}

/**
 * A timeout ran out. Not a refusal: the operation was called, and breakers outside count it as a failure.
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
  /** How long the operation had, in milliseconds. */
  readonly afterMs: number

  constructor(origin: Origin, afterMs: number) {
    super(`'${origin.shield}' took longer than ${afterMs} ms (${origin.policy})`, origin)
    this.afterMs = afterMs
  }
}
defineFacts(TimeoutError, 'TimeoutError', { code: 'TIMEOUT', status: 504, kind: 'technical' })

/**
 * The deadline that the caller gave ran out, whatever the policies still had in mind.
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

  constructor(origin: Origin, afterMs: number) {
    super(`'${origin.shield}' did not answer before the deadline, ${afterMs} ms after the call`, origin)
  }
}
defineFacts(DeadlineExceededError, 'DeadlineExceededError', {
  code: 'DEADLINE_EXCEEDED',
  status: 503,
  kind: 'technical',
  retry: 'never',
})
