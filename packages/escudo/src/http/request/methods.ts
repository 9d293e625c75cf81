import type { Idempotency } from '../../core/idempotency.ts'

// RFC 9110, 9.2.2 and 9.2.1, without TRACE.
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export const IDEMPOTENCY_KEY = 'idempotency-key'

/** Whether a method is idempotent (RFC 9110, 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method)
}

/** Whether a policy may send a request twice at the same time. */
export function idempotencyOfRequest(method: string, idempotent: boolean): Idempotency {
  if (!idempotent) return 'unsafe'
  return SAFE_METHODS.has(method) ? 'safe' : 'idempotent'
}
