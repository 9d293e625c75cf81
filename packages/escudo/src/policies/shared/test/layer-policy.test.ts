import { expect, test } from 'vitest'
import { LAYER } from '../../../core/policy.ts'
import {
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  circuitBreaker,
  fallback,
  rateLimiter,
  retry,
  timeout,
} from '../../../index.ts'

// Without its layer a policy still works, through wrap, at several times the cost: no other test would notice.
test.each([
  adaptiveLimiter(),
  adaptiveThrottle(),
  bulkhead({ limit: 1 }),
  circuitBreaker(),
  fallback(0),
  rateLimiter({ limit: 1, per: 1 }),
  retry(),
  timeout(1),
])('$type offers its layer to shields', (policy) => {
  expect(policy[LAYER]).toBeTypeOf('function')
})
