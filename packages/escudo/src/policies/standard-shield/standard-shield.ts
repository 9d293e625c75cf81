import type { Policy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import type { Shield, ShieldOptions } from '../../core/shield-types.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts'
import { rateLimiter } from '../rate-limiter/rate-limiter.ts'
import { retry } from '../retry/retry.ts'
import { timeout } from '../timeout/timeout.ts'
import { readStandardShield, type StandardShieldOptions } from './options.ts'

/**
 * Makes a shield with good defaults for any dependency.
 *
 * Its policies, outermost first: bulkhead or rate limiter, total timeout, retry, circuit breaker, attempt timeout. Order
 * and values of .NET's standard resilience pipeline (`Microsoft.Extensions.Http.Resilience`).
 *
 * @throws ConfigurationError for an option that is invalid, or that conflicts with another one
 * @example
 * ```ts
 * import { standardShield } from 'escudo'
 *
 * const catalogue = standardShield('catalogue', { attemptTimeout: '2s' })
 * const answer = await catalogue.run(async () => 42)
 * ```
 */
export function standardShield(nameOrOptions: string | ShieldOptions, options: StandardShieldOptions = {}): Shield {
  const settings = readStandardShield(options)
  const limiters: Policy[] = []
  if (settings.rateLimiter !== undefined) limiters.push(rateLimiter(settings.rateLimiter))
  if (settings.bulkhead !== undefined) limiters.push(bulkhead(settings.bulkhead))
  return shield(
    nameOrOptions,
    ...limiters,
    timeout(settings.totalTimeout, { name: 'totalTimeout' }),
    retry(settings.retry),
    circuitBreaker(settings.circuitBreaker),
    timeout(settings.attemptTimeout, { name: 'attemptTimeout' }),
  )
}
