import type { UpstreamFailure } from './upstream-error.ts'

const FAILURE_OF_CODE: ReadonlyMap<string, UpstreamFailure> = new Map<string, UpstreamFailure>([
  ['ECONNREFUSED', 'refused'],
  // The codes of Bun and Deno.
  ['ConnectionRefused', 'refused'],
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['ECONNRESET', 'reset'],
  ['ConnectionReset', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
])

const CAUSES_READ_MAX = 8

/**
 * Classifies an error of `fetch` or of a body by the code of its causes: the error `fetch failed` has no code.
 *
 * Returns `network` for anything else, and for an error whose getters throw.
 */
export function networkFailureOf(error: unknown): UpstreamFailure {
  try {
    let current: unknown = error
    for (let depth = 0; depth < CAUSES_READ_MAX; depth += 1) {
      if (typeof current !== 'object' || current === null) break
      const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown }
      const failure = typeof code === 'string' ? FAILURE_OF_CODE.get(code) : undefined
      if (failure !== undefined) return failure
      // An AggregateError: several addresses failed, and the first error represents them.
      current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
    }
  } catch {
    // A getter or proxy threw.
  }
  return 'network'
}
