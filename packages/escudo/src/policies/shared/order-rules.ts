import type { Finding, PolicyFacts } from '../../core/policy.ts'

// The orders of policies that cannot work, or that work badly. One file, so that a reader sees all of them. One list for
// each outer policy, so that a bundle contains only the rules of its policies. Each rule is applied to each pair of
// policies in which the policy of the list is outside `inner`.

/** A rule about one kind of policy inside another. */
export interface OrderRule {
  readonly inner: readonly string[]
  readonly level: Finding['level']
  /** The path of the option to change. Default: the name of the outer policy. */
  readonly path?: string | ((inner: PolicyFacts) => string)
  /** Whether the settings break the rule. Default: all settings do. */
  readonly broken?: (outer: PolicyFacts, inner: PolicyFacts) => boolean
  /** What would happen, and what to do. */
  readonly message: (outer: PolicyFacts, inner: PolicyFacts) => string
}

// A cache's refresh and a coalesce's flight continue after an outer policy has rejected the caller.
const DETACHED = ['cache', 'coalesce']

/** What a policy that reacts to failures must not have inside. */
const FALLBACK_INSIDE: OrderRule = {
  inner: ['fallback'],
  level: 'warning',
  message: (outer, inner) =>
    `the fallback '${inner.name}' is inside the ${words(outer)} '${outer.name}' and hides every failure from it; put the fallback outside`,
}

export const TIMEOUT_RULES: readonly OrderRule[] = [
  {
    inner: ['timeout'],
    level: 'error',
    path: 'timeout.after',
    broken: (outer, inner) => ms(inner, 'afterMs') > ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${inner.name}' of ${ms(inner, 'afterMs')} ms is inside the timeout '${outer.name}' of ${ms(outer, 'afterMs')} ms and would never fire; make it shorter, or the outer one longer`,
  },
  {
    inner: ['retry'],
    level: 'warning',
    path: 'retry.backoff',
    broken: (outer, inner) => ms(inner, 'leastDelayMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the retry '${inner.name}' waits at least ${ms(inner, 'leastDelayMs')} ms before its first retry, but the timeout '${outer.name}' around it ends the call after ${ms(outer, 'afterMs')} ms, so nothing is ever retried; make the delay shorter, or the timeout longer`,
  },
  {
    inner: ['hedge'],
    level: 'warning',
    path: 'hedge.after',
    broken: (outer, inner) => ms(inner, 'afterMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the hedge '${inner.name}' starts its first hedge after ${ms(inner, 'afterMs')} ms, but the timeout '${outer.name}' around it ends the call after ${ms(outer, 'afterMs')} ms, so no hedge ever starts; make \`after\` shorter than the timeout`,
  },
  {
    inner: ['bulkhead', 'rateLimiter'],
    level: 'warning',
    path: (inner) => `${inner.type}.maxWait`,
    broken: (outer, inner) => ms(inner, 'maxWaitMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `a call may wait ${ms(inner, 'maxWaitMs')} ms in the ${words(inner)} '${inner.name}', but the timeout '${outer.name}' ends it after ${ms(outer, 'afterMs')} ms, so a call that waits too long fails with a timeout instead of a refusal; make \`maxWait\` shorter than the timeout`,
  },
]

export const RETRY_RULES: readonly OrderRule[] = [
  FALLBACK_INSIDE,
  {
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' is inside the retry '${outer.name}', so their attempts multiply: up to ${(ms(outer, 'maxRetries') + 1) * (ms(inner, 'maxRetries') + 1)} for one call; remove one of them`,
  },
]

export const CIRCUIT_BREAKER_RULES: readonly OrderRule[] = [
  FALLBACK_INSIDE,
  {
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' is inside the circuit breaker '${outer.name}', so the breaker counts a call with all its attempts as one and opens late; put the retry outside`,
  },
  {
    inner: ['timeout'],
    level: 'warning',
    path: 'slowCallRate.slowerThan',
    broken: (outer, inner) => ms(outer, 'slowerThanMs') > ms(inner, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${inner.name}' ends every call after ${ms(inner, 'afterMs')} ms, so no call is ever slower than the ${ms(outer, 'slowerThanMs')} ms of the circuit breaker '${outer.name}'; make \`slowerThan\` shorter than the timeout`,
  },
  {
    inner: ['timeout'],
    level: 'warning',
    path: 'circuitBreaker.halfOpen.lease',
    broken: (outer, inner) => ms(outer, 'leaseMs') < ms(inner, 'afterMs'),
    message: (outer, inner) =>
      `a probe of the circuit breaker '${outer.name}' counts as failed after its lease of ${ms(outer, 'leaseMs')} ms, but the timeout '${inner.name}' gives it ${ms(inner, 'afterMs')} ms to succeed; make the lease at least as long as the timeout`,
  },
]

export const HEDGE_RULES: readonly OrderRule[] = [
  FALLBACK_INSIDE,
  {
    inner: ['timeout'],
    level: 'warning',
    path: 'hedge.after',
    broken: (outer, inner) => ms(inner, 'afterMs') <= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the hedge '${outer.name}' starts its first hedge after ${ms(outer, 'afterMs')} ms, but the timeout '${inner.name}' inside it ends every attempt after ${ms(inner, 'afterMs')} ms, so two attempts never run at the same time; make \`after\` shorter than the timeout`,
  },
  {
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' is inside the hedge '${outer.name}', so every hedge is retried too and one call may become many; put the hedge inside the retry`,
  },
]

export const CACHE_RULES: readonly OrderRule[] = [
  {
    inner: ['fallback'],
    level: 'warning',
    message: (outer, inner) =>
      `the fallback '${inner.name}' is inside the cache '${outer.name}', which stores the substitute as if it were a result; put the fallback outside`,
  },
]

export const RATE_LIMITER_RULES: readonly OrderRule[] = [
  {
    inner: ['circuitBreaker'],
    level: 'warning',
    path: 'circuitBreaker.trip',
    broken: (outer, inner) => ms(inner, 'minimumCalls') > callsWithin(outer, ms(inner, 'windowMs')),
    message: (outer, inner) =>
      `the rate limiter '${outer.name}' allows fewer calls in ${ms(inner, 'windowMs')} ms than the ${ms(inner, 'minimumCalls')} that the circuit breaker '${inner.name}' needs to open, so the circuit never opens; make \`minimumCalls\` smaller, or the window longer`,
  },
]

export const ADAPTIVE_LIMITER_RULES: readonly OrderRule[] = [
  FALLBACK_INSIDE,
  {
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' is inside the adaptive limiter '${outer.name}', which mistakes the retry delays for a slow dependency; put the limiter inside the retry`,
  },
]

export const ADAPTIVE_THROTTLE_RULES: readonly OrderRule[] = [FALLBACK_INSIDE]

/**
 * Checks a policy against the policies inside it.
 *
 * @param rules those of the outer policy
 * @param inside the inner policies, outermost first
 */
export function checkOrder(
  rules: readonly OrderRule[],
  outer: PolicyFacts,
  inside: readonly PolicyFacts[],
): readonly Finding[] {
  const detached = outer.type === 'timeout' ? inside.findIndex(({ type }) => DETACHED.includes(type)) : -1
  const reached = inside.slice(0, detached === -1 ? undefined : detached)
  return rules.flatMap(({ inner: types, level, path, broken, message }) =>
    reached
      .filter((inner) => types.includes(inner.type) && (broken?.(outer, inner) ?? true))
      .map((inner) => ({
        level,
        path: (typeof path === 'function' ? path(inner) : path) ?? outer.name,
        message: message(outer, inner),
      })),
  )
}

/** Returns a number among the settings, or NaN if there is none: every comparison with NaN is false. */
function ms({ settings }: PolicyFacts, name: string): number {
  const value = settings[name]
  return typeof value === 'number' ? value : Number.NaN
}

/** Returns the most calls that a rate limiter allows within a time. */
function callsWithin(limiter: PolicyFacts, timeMs: number): number {
  return ms(limiter, 'burst') + Math.ceil((ms(limiter, 'limit') * timeMs) / ms(limiter, 'perMs'))
}

/** Returns the type as words: `circuit breaker` for `circuitBreaker`. */
function words({ type }: PolicyFacts): string {
  return type.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
