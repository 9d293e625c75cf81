import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { theAdaptiveLimiter, theBulkhead, theRateLimiter, theThrottle } from './oracle/limits.ts'
import { play } from './oracle/play.ts'
import {
  ENTRIES,
  theBreaker,
  theCache,
  theCoalesce,
  theFallback,
  theHedge,
  theRetry,
  theTimeout,
} from './oracle/policies.ts'
import { ENDLESS, SCENARIOS } from './oracle/scenarios.ts'

// The orders that the documentation recommends, and random orders of any policies, against the same model as the pairs.

// Other tests cover the warnings about doubtful orders.
vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

const total = theTimeout(5_000, 'total')
const attempt = theTimeout(1_000, 'attempt')
const retries = theRetry(2)

const RECOMMENDED = {
  'fallback > total timeout > retry > circuit breaker > bulkhead > attempt timeout': [
    theFallback(),
    total,
    retries,
    theBreaker(),
    theBulkhead(),
    attempt,
  ],
  'with cache and coalesce: fallback > cache > coalesce > total timeout > retry > breaker > bulkhead > attempt timeout':
    [theFallback(), theCache(), theCoalesce(), total, retries, theBreaker(), theBulkhead(), attempt],
  'with hedge: fallback > total timeout > retry > hedge > breaker > bulkhead > attempt timeout': [
    theFallback(),
    total,
    retries,
    theHedge(),
    theBreaker(),
    theBulkhead(),
    attempt,
  ],
  'as the standard shield: rate limiter > bulkhead > total timeout > retry > breaker > attempt timeout': [
    theRateLimiter(),
    theBulkhead(),
    total,
    retries,
    theBreaker(),
    attempt,
  ],
  'with the adaptive limiter and the throttle: total timeout > retry > throttle > breaker > adaptive limiter > attempt timeout':
    [total, retries, theThrottle(), theBreaker(), theAdaptiveLimiter(), attempt],
  'all of them': [
    theFallback(),
    theRateLimiter(),
    theCache(),
    theCoalesce(),
    total,
    retries,
    theHedge(),
    theThrottle(),
    theBreaker(),
    theBulkhead(),
    theAdaptiveLimiter(),
    attempt,
  ],
} as const

describe.each(Object.entries(RECOMMENDED))('%s', (_order, entries) => {
  test.each([...SCENARIOS, ...ENDLESS].map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (_name, scenario) => {
      await play(entries, scenario)
    },
  )

  for (const refusing of entries.filter(({ refuse }) => refuse !== undefined)) {
    test(`a refusal by ${refusing.type}: the operation is not called, nothing waits or counts`, async () => {
      for (const scenario of SCENARIOS.slice(0, 2)) await play(entries, scenario, refusing)
    })
  }
})

// Two hedged attempts that join one flight end at the same instant, and no rule says which one is first.
const joinOneFlight = (types: readonly string[]): boolean =>
  types.includes('hedge') && types.indexOf('coalesce') > types.indexOf('hedge') + 1

test('any policies in any order agree with the model on outcome, time, counters and events', async () => {
  const orders = fc
    .shuffledSubarray([...ENTRIES], { minLength: 3 })
    .filter((entries) => !joinOneFlight(entries.map(({ type }) => type)))
  await fc.assert(
    fc.asyncProperty(orders, fc.constantFrom(...SCENARIOS), async (entries, scenario) => {
      try {
        await play(entries, scenario)
      } catch (error) {
        throw new Error(`${entries.map(({ name }) => name).join(' > ')}: ${scenario.name}: ${error}`, { cause: error })
      }
    }),
    { numRuns: Number(process.env['COMPOSITION_RUNS'] ?? 3_000), seed: Number(process.env['COMPOSITION_SEED'] ?? 1) },
  )
  expect(ENTRIES.length).toBeGreaterThanOrEqual(11)
}, 60_000)
