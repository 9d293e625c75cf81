import type { Fault } from './plan.ts'

/**
 * An error that a fault plan asked for, where nothing else would tell that it was injected.
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
  /** The status that the fault stands for, if it stands for one. */
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

/** An error as the runtime's own sockets make it: who looks at `code` cannot tell it from a real one. */
export function socketError(kind: NonNullable<Fault['error']>): Error {
  const [code, syscall] = NODE_ERRORS[kind]
  return Object.assign(new Error(`${syscall} ${code} (injected)`), { code, syscall })
}

/** A `fetch` that failed, as Node's reports it. */
export function fetchFailed(kind: NonNullable<Fault['error']>): TypeError {
  return new TypeError('fetch failed', { cause: socketError(kind) })
}

/** A body whose connection was closed before its end, as Node's `fetch` reports it. */
export function bodyTerminated(): TypeError {
  const cause = Object.assign(new Error('other side closed (injected)'), { code: 'UND_ERR_SOCKET' })
  return new TypeError('terminated', { cause })
}
