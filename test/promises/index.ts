import { BREAKER, BREAKER_FEATURES } from './circuit-breaker.ts'
import { DEFAULTS, ORDER, SPEED } from './order-and-defaults.ts'
import { LIMITERS, REST } from './other-policies.ts'
import type { Promised } from './promise.ts'
import { RETRY, RETRY_FEATURES } from './retry.ts'
import { WRONG } from './when-things-go-wrong.ts'

/** Everything that the policies promise, in the order of their specification. */
export const PROMISES: readonly Promised[] = [
  ...BREAKER_FEATURES,
  ...RETRY_FEATURES,
  ...LIMITERS,
  ...REST,
  ...DEFAULTS,
  ...BREAKER,
  ...RETRY,
  ...ORDER,
  ...WRONG,
  ...SPEED,
]
