import {
  type AnyPolicy,
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  explain,
  fallback,
  hedge,
  isRefusal,
  type RunOptions,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
  wasCalled,
} from 'escudo'
import { type VirtualClock, virtualClock } from 'escudo/testing'
import { expect, test } from 'vitest'

// Every refusal and every end that a policy causes, and the policy that `explain` names for it. Around the policy are a
// retry and a bulkhead that let everything through, inside it a bulkhead that a refusal does not reach.

interface Row {
  readonly policy: AnyPolicy
  /** What happens before the call. */
  readonly before?: (s: Shield, clock: VirtualClock) => Promise<unknown> | unknown
  readonly options?: RunOptions
  readonly operation?: () => unknown
  /** How far time goes while the call runs. */
  readonly ms?: number
  readonly abort?: true
  readonly code: string | undefined
  readonly state: string
  readonly reached?: true
  readonly retryAfter?: true
  /** Whether the call is a mistake in the program: it is no refusal, but goes no further. */
  readonly misuse?: true
}

const never = (): Promise<never> => new Promise(() => {})
const down = (): Promise<never> => Promise.reject(new Error('down'))
const opened = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
const isolated = circuitBreaker()
const probing = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
const tripped = circuitBreaker()
const occupy = (s: Shield): void => void s.run(never, { key: 'k' }).catch(() => {})

const rows: readonly [string, Row][] = [
  [
    'an open circuit',
    {
      policy: opened,
      before: (s) => s.run(down).catch(() => {}),
      code: 'CIRCUIT_OPEN',
      state: 'open',
      retryAfter: true,
    },
  ],
  [
    'an isolated circuit',
    { policy: isolated, before: () => isolated.isolate(), code: 'CIRCUIT_OPEN', state: 'isolated' },
  ],
  [
    'a circuit that was tripped',
    { policy: tripped, before: () => tripped.trip('deploy'), code: 'CIRCUIT_OPEN', state: 'open', retryAfter: true },
  ],
  [
    'a half-open circuit whose probe runs',
    {
      policy: probing,
      before: async (s, clock) => {
        await s.run(down).catch(() => {})
        await clock.advance('10s')
        occupy(s)
      },
      code: 'CIRCUIT_OPEN',
      state: 'half-open',
      retryAfter: true,
    },
  ],
  [
    'a full bulkhead',
    { policy: bulkhead({ limit: 1, name: 'full' }), before: occupy, code: 'BULKHEAD_FULL', state: 'full' },
  ],
  [
    'a bulkhead whose queue takes too long',
    {
      policy: bulkhead({ limit: 1, queue: 1, maxWait: 5, name: 'slow' }),
      before: occupy,
      ms: 10,
      code: 'BULKHEAD_FULL',
      state: 'full',
    },
  ],
  [
    'a bulkhead in whose queue the caller aborts',
    {
      policy: bulkhead({ limit: 1, queue: 1, name: 'queue' }),
      before: occupy,
      abort: true,
      code: undefined,
      state: 'cancelled while waiting',
    },
  ],
  [
    'a full adaptive limiter',
    { policy: adaptiveLimiter({ initial: 1, max: 1 }), before: occupy, code: 'BULKHEAD_FULL', state: 'full' },
  ],
  [
    'a rate limiter without a permit',
    {
      policy: rateLimiter({ limit: 1, per: '1s' }),
      before: (s) => s.run(() => 1),
      code: 'RATE_LIMITED',
      state: 'rate limited',
      retryAfter: true,
    },
  ],
  [
    'a rate limiter with too few permits for the cost',
    {
      policy: rateLimiter({ limit: 5, per: '1s' }),
      before: (s) => s.run(() => 1),
      options: { cost: 5 },
      code: 'RATE_LIMITED',
      state: 'rate limited',
      retryAfter: true,
    },
  ],
  [
    'a rate limiter that can never hold the cost',
    {
      policy: rateLimiter({ limit: 5, per: '1s' }),
      options: { cost: 6 },
      code: undefined,
      state: 'cost too high',
      misuse: true,
    },
  ],
  ['a cache without a key', { policy: cache({ ttl: 1 }), code: undefined, state: 'no key', misuse: true }],
  ['a coalesce without a key', { policy: coalesce(), code: undefined, state: 'no key', misuse: true }],
  [
    'a rate limiter in whose queue the deadline passes',
    {
      policy: rateLimiter({ limit: 1, per: '1s', maxWait: '5s' }),
      before: (s) => s.run(() => 1),
      options: { deadline: 100 },
      code: 'RATE_LIMITED',
      state: 'rate limited',
      retryAfter: true,
    },
  ],
  [
    'a rate limiter in whose queue the caller aborts',
    {
      policy: rateLimiter({ limit: 1, per: '1s', maxWait: '5s' }),
      before: (s) => s.run(() => 1),
      abort: true,
      code: undefined,
      state: 'cancelled while waiting',
    },
  ],
  [
    'an adaptive throttle',
    {
      policy: adaptiveThrottle(),
      before: async (s) => {
        for (let call = 0; call < 50; call += 1) await s.run(down).catch(() => {})
      },
      code: 'RATE_LIMITED',
      state: 'throttled',
    },
  ],
  [
    'a timeout',
    {
      policy: timeout(10, { name: 'short' }),
      operation: never,
      ms: 10,
      code: 'TIMEOUT',
      state: 'timed out',
      reached: true,
    },
  ],
  [
    'a cooperative timeout',
    {
      policy: timeout(10, { name: 'short', mode: 'cooperative', grace: 5 }),
      operation: never,
      ms: 15,
      code: 'TIMEOUT',
      state: 'timed out',
      reached: true,
    },
  ],
  [
    'a retry that is exhausted',
    {
      policy: retry({ maxRetries: 1, backoff: constant(1), name: 'inner' }),
      operation: down,
      ms: 5,
      code: undefined,
      state: 'no retries left',
      reached: true,
    },
  ],
  [
    'a hedge whose attempts all fail',
    { policy: hedge({ after: 5 }), operation: down, ms: 20, code: undefined, state: 'all failed', reached: true },
  ],
  [
    'a fallback whose function throws',
    { policy: fallback(down), operation: down, code: undefined, state: 'failed', reached: true },
  ],
  [
    'a coalesce whose caller aborts',
    {
      policy: coalesce(),
      before: occupy,
      options: { key: 'k' },
      abort: true,
      code: undefined,
      state: 'cancelled while waiting',
      reached: true,
    },
  ],
]

test.each(rows)('names %s as the cause', async (_what, row) => {
  const { policy, before, options, operation = () => 1, ms = 0, abort, code, state, reached, retryAfter, misuse } = row
  const clock = virtualClock()
  const around = [retry({ maxRetries: 0, name: 'around' }), bulkhead({ limit: 100, name: 'wide' })]
  const policies = [...around, policy, bulkhead({ limit: 1_000, name: 'inside' })] as never[]
  const s = shield({ name: 's', clock, random: () => 0 }, ...policies) as unknown as Shield
  await before?.(s, clock)
  const controller = new AbortController()
  const error: Promise<{ code?: string; policy?: string }> = s
    .run(operation as () => never, { ...options, signal: controller.signal })
    .catch((thrown) => thrown)
  await clock.advance(ms)
  if (abort) controller.abort(new Error('aborted'))
  await clock.advance(0)
  const explained = explain(await error)
  const [, wide, cause, inside] = explained?.policies ?? []
  expect([wide?.state, cause?.name, cause?.state]).toEqual(['passed', policy.name, state])
  expect((await error).code).toBe(code)
  if (isRefusal(await error)) expect([(await error).policy, inside?.state]).toEqual([policy.name, 'not reached'])
  if (misuse) expect([wasCalled(await error), inside?.state]).toEqual([false, 'not reached'])
  if (reached) expect(inside?.state).not.toBe('not reached')
  expect(explained?.retryAt !== undefined).toBe(retryAfter === true)
})

test('names the cache of a call without a value only as passed, and the policy inside it as the cause', async () => {
  const breaker = circuitBreaker()
  breaker.isolate()
  const s = shield('s', cache({ ttl: 1 }), breaker)
  const error = await s.run(() => 1, { key: 'k' }).catch((thrown) => thrown)
  expect(explain(error)?.policies.map(({ name, state }) => [name, state])).toEqual([
    ['cache', 'passed'],
    ['circuitBreaker', 'isolated'],
  ])
})

test('has a row for every policy', async () => {
  const types = new Set(rows.map(([, { policy }]) => policy.type))
  expect([...types].sort()).toEqual([
    'adaptiveLimiter',
    'adaptiveThrottle',
    'bulkhead',
    'cache',
    'circuitBreaker',
    'coalesce',
    'fallback',
    'hedge',
    'rateLimiter',
    'retry',
    'timeout',
  ])
})
