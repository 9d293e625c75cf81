import type { Fault } from './plan.ts'

/**
 * The error of an injected status, thrown by a wrapped operation.
 *
 * @example
 * ```ts
 * import { FaultError, faults } from 'escudo/testing'
 *
 * const broken = faults([{ fault: { status: 503 } }], { seed: 1 }).wrap(async () => 42)
 * const error = await Promise.resolve()
 *   .then(() => broken())
 *   .catch((reason) => reason)
 * console.log(error instanceof FaultError && error.status) // 503
 * ```
 */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  /** Always `INJECTED_FAULT`. */
  readonly code = 'INJECTED_FAULT'
  /** The status of the fault, if it has one. */
  readonly status: number | undefined

  constructor(problem: string, status?: number) {
    super(`injected fault: ${problem}`)
    this.status = status
  }
}

const NODE_ERRORS = {
  refused: ['ECONNREFUSED', 'connect'],
  reset: ['ECONNRESET', 'read'],
  dns: ['ENOTFOUND', 'getaddrinfo'],
  timeout: ['ETIMEDOUT', 'connect'],
} as const

/** Creates an error with the `code` and `syscall` of a real socket error. */
export function socketError(kind: NonNullable<Fault['error']>): Error {
  const [code, syscall] = NODE_ERRORS[kind]
  return Object.assign(new Error(`${syscall} ${code} (injected)`), { code, syscall })
}

/** Creates the error with which Node's `fetch` reports a network failure. */
export function fetchFailed(kind: NonNullable<Fault['error']>): TypeError {
  return new TypeError('fetch failed', { cause: socketError(kind) })
}

/** Creates the error with which Node's `fetch` reports a connection that closed before the end of the body. */
export function bodyTerminated(): TypeError {
  const cause = Object.assign(new Error('other side closed (injected)'), { code: 'UND_ERR_SOCKET' })
  return new TypeError('terminated', { cause })
}
