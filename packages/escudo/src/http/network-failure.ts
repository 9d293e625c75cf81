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

// The codes of OpenSSL's certificate errors have no common prefix.
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|EPROTO$))/

const ERRORS_READ_MAX = 16

/**
 * Classifies an error of `fetch` or of a body by the code of its causes: the error `fetch failed` has no code.
 *
 * Returns `network` for anything else, and for an error whose getters throw.
 */
export function networkFailureOf(error: unknown): UpstreamFailure {
  // The causes, outermost first. Those of an AggregateError are in order: several addresses failed.
  const queue: unknown[] = [error]
  try {
    for (let read = 0; read < queue.length && read < ERRORS_READ_MAX; read += 1) {
      const current = queue[read]
      if (typeof current !== 'object' || current === null) continue
      const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown }
      if (typeof code === 'string') {
        const failure = FAILURE_OF_CODE.get(code) ?? (TLS_CODE.test(code) ? 'tls' : undefined)
        if (failure !== undefined) return failure
      }
      queue.push(cause)
      if (Array.isArray(errors)) queue.push(...errors.slice(0, ERRORS_READ_MAX))
    }
  } catch {
    // A getter or proxy threw.
  }
  return 'network'
}
