import type { Finding, PolicyFacts } from '../../core/policy.ts'

// What the check of a whole shield knows: which policies cannot work, or hardly, around which others. One table, so that
// a reader sees all of it. A rule is asked for each pair of which `outer` stands outside of `inner`.

interface OrderRule {
  readonly outer: readonly string[]
  readonly inner: readonly string[]
  readonly level: Finding['level']
  /** The path of the option to be changed; without one, the name of the outer policy. */
  readonly path?: string | ((inner: PolicyFacts) => string)
  /** Whether the settings are such that the rule is broken. Left out: whatever they are. */
  readonly broken?: (outer: PolicyFacts, inner: PolicyFacts) => boolean
  /** What would happen, and what to do. */
  readonly message: (outer: PolicyFacts, inner: PolicyFacts) => string
}

// What a cache refreshes and what a flight does go on when a policy outside of them has let its caller go.
const DETACHED = ['cache', 'coalesce']
const JUDGES = ['retry', 'circuitBreaker', 'hedge', 'adaptiveThrottle', 'adaptiveLimiter']

const RULES: readonly OrderRule[] = [
  {
    outer: JUDGES,
    inner: ['fallback'],
    level: 'warning',
    message: (outer, inner) =>
      `the fallback '${inner.name}' stands inside of the ${words(outer)} '${outer.name}' and hides every failure from it; put the fallback outside`,
  },
  {
    outer: ['cache'],
    inner: ['fallback'],
    level: 'warning',
    message: (outer, inner) =>
      `the fallback '${inner.name}' stands inside of the cache '${outer.name}', which keeps what it puts in place of a failure as if it were an answer; put the fallback outside`,
  },
  {
    outer: ['timeout'],
    inner: ['timeout'],
    level: 'error',
    path: 'timeout.after',
    broken: (outer, inner) => ms(inner, 'afterMs') > ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${inner.name}' of ${ms(inner, 'afterMs')} ms stands inside of one of ${ms(outer, 'afterMs')} ms and would never fire; make it shorter, or the outer one longer`,
  },
  {
    outer: ['timeout'],
    inner: ['retry'],
    level: 'warning',
    path: 'retry.backoff',
    broken: (outer, inner) => ms(inner, 'leastDelayMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the retry '${inner.name}' waits at least ${ms(inner, 'leastDelayMs')} ms before its first retry, and the timeout '${outer.name}' around it ends the call after ${ms(outer, 'afterMs')} ms, so nothing is ever retried; make the delay shorter, or the timeout longer`,
  },
  {
    outer: ['timeout'],
    inner: ['hedge'],
    level: 'warning',
    path: 'hedge.after',
    broken: (outer, inner) => ms(inner, 'afterMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${outer.name}' of ${ms(outer, 'afterMs')} ms ends the call before the hedge '${inner.name}' sends its first one after ${ms(inner, 'afterMs')} ms; hedge earlier`,
  },
  {
    outer: ['hedge'],
    inner: ['timeout'],
    level: 'warning',
    path: 'hedge.after',
    broken: (outer, inner) => ms(inner, 'afterMs') <= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${inner.name}' of ${ms(inner, 'afterMs')} ms inside of the hedge '${outer.name}' ends every attempt before the hedge's ${ms(outer, 'afterMs')} ms are over, so two never run at the same time; hedge earlier`,
  },
  {
    outer: ['hedge'],
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' stands inside of the hedge '${outer.name}', so every hedge is retried too, and a call may become many; put the hedge inside of the retry`,
  },
  {
    outer: ['retry'],
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' stands inside of the retry '${outer.name}', and their attempts multiply: up to ${(ms(outer, 'maxRetries') + 1) * (ms(inner, 'maxRetries') + 1)} for one call; leave one of them out`,
  },
  {
    outer: ['circuitBreaker'],
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' stands inside of the circuit breaker '${outer.name}', which so counts a call with all its attempts as one, and opens late; put the retry outside`,
  },
  {
    outer: ['circuitBreaker'],
    inner: ['timeout'],
    level: 'warning',
    path: 'slowCallRate.slowerThan',
    broken: (outer, inner) => ms(outer, 'slowerThanMs') > ms(inner, 'afterMs'),
    message: (outer, inner) =>
      `the timeout '${inner.name}' ends every call after ${ms(inner, 'afterMs')} ms, so none is ever slower than the ${ms(outer, 'slowerThanMs')} ms of the circuit breaker '${outer.name}'; make \`slowerThan\` shorter than the timeout`,
  },
  {
    outer: ['circuitBreaker'],
    inner: ['timeout'],
    level: 'warning',
    path: 'circuitBreaker.halfOpen.lease',
    broken: (outer, inner) => ms(outer, 'leaseMs') < ms(inner, 'afterMs'),
    message: (outer, inner) =>
      `a probe of the circuit breaker '${outer.name}' counts as failed after its lease of ${ms(outer, 'leaseMs')} ms, while the timeout '${inner.name}' gives it ${ms(inner, 'afterMs')} ms to succeed; make the lease longer than the timeout`,
  },
  {
    outer: ['rateLimiter'],
    inner: ['circuitBreaker'],
    level: 'warning',
    path: 'circuitBreaker.trip',
    broken: (outer, inner) => ms(inner, 'minimumCalls') > callsWithin(outer, ms(inner, 'windowMs')),
    message: (outer, inner) =>
      `the rate limiter '${outer.name}' lets fewer calls through in ${ms(inner, 'windowMs')} ms than the ${ms(inner, 'minimumCalls')} that the circuit breaker '${inner.name}' needs before it opens, so it never does; ask for fewer, or take a longer window`,
  },
  {
    outer: ['adaptiveLimiter'],
    inner: ['retry'],
    level: 'warning',
    message: (outer, inner) =>
      `the retry '${inner.name}' stands inside of the adaptive limiter '${outer.name}', which takes its delays for a slow dependency; put the limiter inside of the retry`,
  },
  {
    outer: ['timeout'],
    inner: ['bulkhead', 'rateLimiter'],
    level: 'warning',
    path: (inner) => `${inner.type}.maxWait`,
    broken: (outer, inner) => ms(inner, 'maxWaitMs') >= ms(outer, 'afterMs'),
    message: (outer, inner) =>
      `a call may wait ${ms(inner, 'maxWaitMs')} ms in the ${words(inner)} '${inner.name}', and the timeout '${outer.name}' ends it after ${ms(outer, 'afterMs')} ms: who waits too long is told of a timeout and not of a refusal; make \`maxWait\` shorter than the timeout`,
  },
]

/** What is wrong with a policy around those inside of it, from the outermost on. */
export function checkOrder(outer: PolicyFacts, inside: readonly PolicyFacts[]): readonly Finding[] {
  const detached = outer.type === 'timeout' ? inside.findIndex(({ type }) => DETACHED.includes(type)) : -1
  const reached = inside.slice(0, detached === -1 ? undefined : detached)
  return RULES.filter((rule) => rule.outer.includes(outer.type)).flatMap(
    ({ inner: types, level, path, broken, message }) =>
      reached
        .filter((inner) => types.includes(inner.type) && (broken?.(outer, inner) ?? true))
        .map((inner) => ({
          level,
          path: (typeof path === 'function' ? path(inner) : path) ?? outer.name,
          message: message(outer, inner),
        })),
  )
}

/** A number among the settings; NaN where there is none, with which every comparison is false. */
function ms({ settings }: PolicyFacts, name: string): number {
  const value = settings[name]
  return typeof value === 'number' ? value : Number.NaN
}

/** How many calls a rate limiter lets through at most within a time. */
function callsWithin(limiter: PolicyFacts, timeMs: number): number {
  return ms(limiter, 'burst') + Math.ceil((ms(limiter, 'limit') * timeMs) / ms(limiter, 'perMs'))
}

/** `circuit breaker` for `circuitBreaker`. */
function words({ type }: PolicyFacts): string {
  return type.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
