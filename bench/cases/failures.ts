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

// The dependency rejects with one existing error, so that no case pays for capturing a stack.

const fallbackFailing: Group = {
  name: 'fallback alone, failure',
  // The bare case catches the error and returns the substitute.
  build: () => {
    const our = ours('fallback-failure', fallback(1))
    const their = cockatielFallback()
    return [
      { by: 'bare', run: inSequence(orSubstitute(fail)) },
      { by: 'escudo', run: inSequence(() => our.run(fail)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(fail)) },
      { by: 'effect', run: inSequence(effect.runner(effect.withFallback(effect.operation(fail)))) },
    ]
  },
}

const breakerFailing: Group = {
  name: 'circuit breaker alone, failure',
  // A window of 30 s that opens at 99 %, around an operation that fails 98 times in 100: the breaker counts every failure
  // and stays closed. opossum always has a timeout; here it is off.
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
  // For escudo, the error carries `retry: never`; the others use a predicate.
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
  // The breaker counts the failure and stays closed, as above.
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
      { by: 'bare', run: inSequence(orSubstitute(first)) },
      { by: 'escudo', run: inSequence(() => our.run(second)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(third)) },
    ]
  },
}

/** An error that is marked as not worth a retry. */
const FINAL: Error = Object.assign(new Error(failure.message), {
  [Symbol.for('escudo.error')]: { code: 'DOWN', status: 502, kind: 'technical', retry: 'never' },
})

function orSubstitute(run: () => Promise<number>): () => Promise<number> {
  return async () => {
    try {
      return await run()
    } catch {
      return 1
    }
  }
}

/** The cost of a failure. */
export const failures: readonly Group[] = [fallbackFailing, breakerFailing, retryDeclines, fiveFailing]
