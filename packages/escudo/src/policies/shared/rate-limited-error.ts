import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'

/**
 * A rate limiter has no permit for the call, or a throttle holds it back from a dependency that is overloaded: the
 * operation was not called. `retryAfterMs` says when the next call passes; a throttle, which decides by chance, has none.
 *
 * @example
 * ```ts
 * import { RateLimitedError, rateLimiter, shield } from 'escudo'
 *
 * const mail = shield('mail', rateLimiter({ limit: 1, per: '1m' }))
 * await mail.run(async () => 'sent')
 * const error = await mail.run(async () => 'sent').catch((reason) => reason)
 * if (error instanceof RateLimitedError) console.log(error.retryAfterMs) // up to 60000
 * ```
 */
export class RateLimitedError extends PolicyError {
  readonly code = 'RATE_LIMITED'

  constructor(origin: Origin, problem: string, retryAfterMs?: number) {
    super(`'${origin.shield}' is not called for now: ${problem} (${origin.policy})`, origin, retryAfterMs)
  }
}
// Technical, as all refusals are: a fallback stands in for it. The answer of a service is made from its catalogue's
// entry, and there 429 is the client's own matter.
defineFacts(RateLimitedError, 'RateLimitedError', {
  code: 'RATE_LIMITED',
  status: 429,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
