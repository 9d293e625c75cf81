import { UpstreamError } from '../../../http/upstream-error.ts'
import { type AdaptiveLimiterOptions, adaptiveLimiter, type ConcurrencyLimit, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/index.ts'

type Sample = Parameters<ConcurrencyLimit['onSample']>

/** Creates an algorithm whose limit changes only through `state`, and which records its samples. */
export function recorded(limit = 2) {
  const samples: Sample[] = []
  const state = { limit }
  const algorithm = {
    create: (): ConcurrencyLimit => ({ limit: () => state.limit, onSample: (...sample) => samples.push(sample) }),
  }
  return { samples, state, algorithm }
}

/** Creates a shield with a recorded adaptive limiter inside the policies `outside`, on a virtual clock. */
export function setUp(options: AdaptiveLimiterOptions = {}, ...outside: Parameters<typeof shield>[1][]) {
  const clock = virtualClock()
  const limit = recorded()
  const s = shield(
    { name: 's', clock },
    ...(outside as []),
    adaptiveLimiter({ algorithm: limit.algorithm, ...options }),
  )
  const status = (): unknown => {
    const { limit, inFlight } = s.status().policies.at(-1) as unknown as { limit: number; inFlight: number }
    return { limit, inFlight }
  }
  return { clock, s, status, ...limit }
}

/** An operation that never settles. */
export const never = (): Promise<never> => new Promise(() => {})

/** Creates an error of `resilientFetch`. */
export const upstream = (
  code: 'UPSTREAM_ERROR' | 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_TIMEOUT',
  verdict?: 'success',
): UpstreamError =>
  new UpstreamError(
    code,
    'status',
    { service: 'x', method: 'GET', origin: 'http://x', template: undefined },
    { facts: verdict === undefined ? {} : { verdict } },
  )
