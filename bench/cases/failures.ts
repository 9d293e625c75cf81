import * as cockatiel from 'cockatiel'
import { Effect } from 'effect'
import { bulkhead, failureRate, fallback, retry, timeout } from 'escudo'
import Opossum from 'opossum'
import pRetry from 'p-retry'
import type { Group } from '../harness.ts'
import * as effect from './effect.ts'
import { caughtInSequence, fail, failure, inSequence, mostlyFailing } from './operations.ts'
import { ourBreaker, ourRetry, ours } from './ours.ts'
import { cockatielBreaker, cockatielFallback, cockatielFive, cockatielRetry, OPOSSUM, TIMEOUT_MS } from './peers.ts'

// The dependency rejects with an error that was made before: no stack is captured anew, on either side.

const fallbackFailing: Group = {
  name: 'fallback alone, failure',
  // The bare case catches and answers itself.
  build: () => {
    const our = ours('fallback-failure', fallback(1))
    const their = cockatielFallback()
    return [
      { by: 'bare', run: inSequence(answered(fail)) },
      { by: 'escudo', run: inSequence(() => our.run(fail)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(fail)) },
      { by: 'effect', run: inSequence(effect.runner(effect.withFallback(effect.operation(fail)))) },
    ]
  },
}

const breakerFailing: Group = {
  name: 'circuit breaker alone, failure',
  // A window of 30 s that opens at 99 %, around an operation that fails 98 times of 100: every failure is counted, and
  // the circuit stays closed. opossum cannot be had without its timeout, so it has one that is off.
  build: () => {
    const our = ours('breaker-failure', ourBreaker(failureRate({ threshold: 0.99, window: '30s', minimumCalls: 100 })))
    const their = cockatielBreaker(0.99, 100)
    const opossum = new Opossum(mostlyFailing(), {
      ...OPOSSUM,
      timeout: false,
      errorThresholdPercentage: 99,
      volumeThreshold: 100,
    })
    const [first, second, third] = [mostlyFailing(), mostlyFailing(), mostlyFailing()]
    return [
      { by: 'bare', run: caughtInSequence(first) },
      { by: 'escudo', run: caughtInSequence(() => our.run(second)) },
      { by: 'cockatiel', run: caughtInSequence(() => their.execute(third)) },
      { by: 'opossum', run: caughtInSequence(() => opossum.fire()), close: () => opossum.shutdown() },
    ]
  },
}

const retryDeclines: Group = {
  name: 'retry alone, a failure that is not retried',
  // The error says so itself to escudo; the others have a predicate.
  build: () => {
    const our = ours('retry-declines', ourRetry())
    const their = cockatielRetry(cockatiel.handleWhen((error) => error !== FINAL))
    const run = async (): Promise<number> => {
      throw FINAL
    }
    const expected = (error: unknown): boolean => error === FINAL
    const options = { retries: 2, shouldRetry: ({ error }: { readonly error: unknown }) => error !== FINAL }
    const program = Effect.retry(effect.operation(run), { times: 2, while: (error) => error !== FINAL })
    return [
      { by: 'bare', run: caughtInSequence(run, expected) },
      { by: 'escudo', run: caughtInSequence(() => our.run(run), expected) },
      { by: 'cockatiel', run: caughtInSequence(() => their.execute(run), expected) },
      { by: 'p-retry', run: caughtInSequence(() => pRetry(run, options), expected) },
      { by: 'effect', run: caughtInSequence(effect.runner(program), expected) },
    ]
  },
}

const fiveFailing: Group = {
  name: 'five policies, a failure that is not retried, answered by the fallback',
  // The breaker counts it and stays closed, as above; the fallback answers.
  build: () => {
    const our = ours(
      'five-failure',
      fallback(1),
      retry({ maxRetries: 2 }),
      ourBreaker(failureRate({ threshold: 0.99, window: '30s', minimumCalls: 100 })),
      bulkhead({ limit: 10 }),
      timeout(TIMEOUT_MS),
    )
    const their = cockatielFive({
      retry: cockatielRetry(cockatiel.handleWhen((error) => error !== FINAL)),
      breaker: cockatielBreaker(0.99, 100),
    })
    const [first, second, third] = [mostlyFailing(FINAL), mostlyFailing(FINAL), mostlyFailing(FINAL)]
    return [
      { by: 'bare', run: inSequence(answered(first)) },
      { by: 'escudo', run: inSequence(() => our.run(second)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(third)) },
    ]
  },
}

/** An error that says of itself that a retry makes no sense. */
const FINAL: Error = Object.assign(new Error(failure.message), {
  [Symbol.for('escudo.error')]: { code: 'DOWN', status: 502, kind: 'technical', retry: 'never' },
})

function answered(run: () => Promise<number>): () => Promise<number> {
  return async () => {
    try {
      return await run()
    } catch {
      return 1
    }
  }
}

/** What a failure costs. */
export const failures: readonly Group[] = [fallbackFailing, breakerFailing, retryDeclines, fiveFailing]
