import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'

/**
 * A rate limiter has no permit for the call, or an adaptive throttle protects an overloaded dependency.
 *
 * The operation was not called. A rate limiter's `retryAfterMs` says when the next call passes. A throttle decides at
 * random and sets none.
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
// Technical, like all refusals, so that a fallback replaces it. A service takes its answer from its own catalogue, where
// 429 is a business error.
defineFacts(RateLimitedError, 'RateLimitedError', {
  code: 'RATE_LIMITED',
  status: 429,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
