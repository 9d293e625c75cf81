import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AnyPolicy } from '../../../core/policy.ts'
import { adaptiveLimiter } from '../../../policies/adaptive-limiter/adaptive-limiter.ts'
import { adaptiveThrottle } from '../../../policies/adaptive-throttle/adaptive-throttle.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { cache } from '../../../policies/cache/cache.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { coalesce } from '../../../policies/coalesce/coalesce.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { hedge } from '../../../policies/hedge/hedge.ts'
import { rateLimiter } from '../../../policies/rate-limiter/rate-limiter.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { adminServerPerTest } from './admin-setup.ts'
import { heldShield as shield } from './held-shield.ts'

const start = adminServerPerTest()

// Every policy, with the names of its options.
const POLICIES: readonly (readonly [AnyPolicy, string])[] = [
  [retry() as AnyPolicy, 'maxRetries backoff classify maxTotal retryAfter budget onRejectedValue name'],
  [timeout('2s'), 'after name'],
  [circuitBreaker() as AnyPolicy, 'trip openFor halfOpen classify mode perKey probe ramp restore name'],
  [bulkhead({ limit: 5 }), 'limit queue maxWait order perKey name'],
  [rateLimiter({ limit: 5, per: '1s' }), 'limit per algorithm burst maxWait perKey name'],
  [fallback(null) as AnyPolicy, 'when classify name'],
  [hedge({ after: '1s' }) as AnyPolicy, 'after maxHedges budget unsafe classify name'],
  [cache({ ttl: '1s' }) as unknown as AnyPolicy, 'ttl staleWhileRevalidate staleIfError maxEntries name'],
  [adaptiveThrottle(), 'k window name'],
  [adaptiveLimiter(), 'algorithm min max initial name'],
  [coalesce() as unknown as AnyPolicy, 'name'],
]
const SHIELDS = POLICIES.map(([policy, options]) => {
  const name = `all-${policy.type}`
  return { shield: shield(name, policy as never), policy: policy.name, options: options.split(' ') }
})

const BUILDERS =
  'consecutive failureRate slowCallRate anyTrip constant linear exponential aimd gradient2 vegas quantile base factor max min threshold window minimumCalls slowerThan step jitter calls steps each probes closeAt lease initial'
const part = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(0, 1, -1, 0.5, 5, 1e9, 1e308, '1s', '5', '', 'full', null, true, [], {}),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
)
const inner = fc.dictionary(fc.constantFrom(...BUILDERS.split(' ')), part, { maxKeys: 3 })
const value = fc.oneof(
  part,
  inner,
  fc.dictionary(fc.constantFrom(...BUILDERS.split(' ')), fc.oneof(inner, fc.array(inner, { maxLength: 3 })), {
    maxKeys: 2,
  }),
)

it('property: any options of any policy are taken or refused with 422, never a bug, and as one line', async () => {
  const { post, actions } = await start()
  const request = fc.constantFrom(...SHIELDS).chain((target) =>
    fc.record({
      target: fc.constant(target),
      options: fc.dictionary(fc.constantFrom(...target.options), value, { minKeys: 1, maxKeys: 2 }),
      named: fc.boolean(),
    }),
  )
  const seen = new Map<number, number>()
  let sent = 0
  await fc.assert(
    fc.asyncProperty(request, async ({ target, options, named }) => {
      const { shield: owner, policy } = target
      const path = `/${owner.name}${named ? `/${policy}` : ''}`
      const body = { action: 'reconfigure', options: named ? options : { [policy]: options } }
      const { status, json } = await post(path, body)
      sent += 1
      seen.set(status, (seen.get(status) ?? 0) + 1)
      expect([200, 422]).toContain(status)
      if (status === 422) {
        const [{ pointer, message }] = json.context.errors
        // It leads to a part of the request, or to what is missing in one.
        expect(resolvedDepth(body, pointer)).toBeGreaterThanOrEqual(pointer.split('/').length - 2)
        expect(message.length).toBeLessThanOrEqual(201)
      }
      expect(actions()).toHaveLength(sent)
      expect(() => owner.status()).not.toThrow()
    }),
    { numRuns: 500 },
  )
  expect(Math.min(seen.get(200) ?? 0, seen.get(422) ?? 0)).toBeGreaterThan(3)
}, 60_000)

/** How many keys of a pointer lead to something. */
function resolvedDepth(body: unknown, pointer: string): number {
  const keys = pointer.split('/').slice(1)
  let depth = 0
  let at = body
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) break
    at = (at as Readonly<Record<string, unknown>>)[key]
    depth += 1
  }
  return depth
}
