import * as cockatiel from 'cockatiel'
import { circuitBreaker, consecutive, failureRate, shield, timeout } from 'escudo'
import CircuitBreaker from 'opossum'
import type { Case } from '../harness.ts'
import { caughtInSequence, fail, inSequence, succeed } from './operations.ts'

// opossum's own composition: a breaker over a rolling window with a timeout inside. The others are set to the same:
// half of at least 20 calls in 30 s, open for an hour (so that nothing half-opens while refusals are measured), 2 s.
const OPEN_MS = 3_600_000

const ours = shield(
  'bench',
  circuitBreaker({ trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }), openFor: OPEN_MS }),
  timeout('2s'),
)

const cockatiels = cockatiel.wrap(
  cockatiel.circuitBreaker(cockatiel.handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 30_000, minimumRps: 20 / 30 }),
  }),
  cockatiel.timeout(2_000, cockatiel.TimeoutStrategy.Aggressive),
)

const opossumOptions = {
  timeout: 2_000,
  errorThresholdPercentage: 50,
  volumeThreshold: 20,
  rollingCountTimeout: 30_000,
  rollingCountBuckets: 10,
  resetTimeout: OPEN_MS,
}
const opossums = new CircuitBreaker(succeed, opossumOptions)

const successGroup = 'breaker and timeout, success'

/** A breaker with a timeout when all is well. */
export const breakerAndTimeout: readonly Case[] = [
  { group: successGroup, by: 'bare', run: inSequence(succeed) },
  { group: successGroup, by: 'escudo', run: inSequence(() => ours.run(succeed)) },
  { group: successGroup, by: 'cockatiel', run: inSequence(() => cockatiels.execute(succeed)) },
  {
    group: successGroup,
    by: 'opossum',
    run: inSequence(() => opossums.fire()),
    close: () => opossums.shutdown(),
  },
]

const refusalGroup = 'refusal by an open breaker, caught'

/** What an outage costs: an open circuit refuses, and the caller catches a real `Error`. */
export async function refusals(): Promise<readonly Case[]> {
  const open = shield('bench-open', circuitBreaker({ trip: consecutive(1), openFor: OPEN_MS }))
  const cockatielOpen = cockatiel.circuitBreaker(cockatiel.handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new cockatiel.ConsecutiveBreaker(1),
  })
  const opossumOpen = new CircuitBreaker(fail, { ...opossumOptions, volumeThreshold: 1 })
  opossumOpen.open()
  await caughtInSequence(() => open.run(fail))(1)
  await caughtInSequence(() => cockatielOpen.execute(fail))(1)
  return [
    { group: refusalGroup, by: 'bare', run: caughtInSequence(fail) },
    { group: refusalGroup, by: 'escudo', run: caughtInSequence(() => open.run(fail)) },
    { group: refusalGroup, by: 'cockatiel', run: caughtInSequence(() => cockatielOpen.execute(fail)) },
    {
      group: refusalGroup,
      by: 'opossum',
      run: caughtInSequence(() => opossumOpen.fire()),
      close: () => opossumOpen.shutdown(),
    },
  ]
}
