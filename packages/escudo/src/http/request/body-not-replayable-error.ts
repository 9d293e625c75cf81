import { type ErrorFacts, FACTS } from '../../errors/error-facts.ts'
import { describeTarget, type UpstreamTarget } from '../upstream-target.ts'

/**
 * A retry cannot send a request again, because its body is a stream that was already read, or that failed while it was
 * buffered.
 *
 * Either set `retryBody: { maxBytes }` on the client, which keeps bodies up to that size, or send a string or bytes.
 *
 * @example
 * ```ts
 * import { constant, retry, shield } from 'escudo'
 * import { BodyNotReplayableError, resilientFetch } from 'escudo/http'
 *
 * const busy = async () => new Response('', { status: 503 })
 * const put = resilientFetch({
 *   name: 'reports',
 *   baseUrl: 'http://reports',
 *   shield: shield('reports', retry({ maxRetries: 1, backoff: constant(1) })),
 *   fetch: busy,
 * })
 * const body = new Blob(['a long report']).stream()
 * const error: unknown = await put('/reports/1', { method: 'PUT', body, duplex: 'half' }).catch((reason) => reason)
 * console.log(error instanceof BodyNotReplayableError) // true
 * ```
 */
export class BodyNotReplayableError extends TypeError {
  /** Always `BODY_NOT_REPLAYABLE`. */
  readonly code = 'BODY_NOT_REPLAYABLE'

  constructor(target: UpstreamTarget, problem: string, cause: unknown) {
    super(`${describeTarget(target)} ${problem}`, cause === undefined ? undefined : { cause })
  }

  static {
    Object.defineProperty(BodyNotReplayableError.prototype, 'name', {
      value: 'BodyNotReplayableError',
      writable: true,
      configurable: true,
    })
    const facts: ErrorFacts = {
      code: 'BODY_NOT_REPLAYABLE',
      status: 500,
      kind: 'technical',
      retry: 'never',
      // A programming error says nothing about the dependency.
      verdict: 'ignored',
    }
    Object.defineProperty(BodyNotReplayableError.prototype, FACTS, { value: facts })
  }
}
