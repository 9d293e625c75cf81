import * as cockatiel from 'cockatiel'
import { bulkhead, failureRate, fallback, timeout } from 'escudo'
import Opossum from 'opossum'
import pRetry from 'p-retry'
import type { Contender, Group } from '../harness.ts'
import * as effect from './effect.ts'
import { inSequence, succeed } from './operations.ts'
import { ourBreaker, ourFive, ourRetry, ours } from './ours.ts'
import {
  cockatielBreaker,
  cockatielCountBreaker,
  cockatielFallback,
  cockatielFive,
  cockatielRetry,
  cockatielTimeout,
  OPOSSUM,
  TIMEOUT_MS,
} from './peers.ts'

/** The group of the goals for five policies. */
export const FIVE = 'five policies, success'
/** The group of the goal for a breaker with a timeout. */
export const BREAKER_AND_TIMEOUT = 'breaker and timeout, success'

const bare: Contender = { by: 'bare', run: inSequence(succeed) }
const sequence = (by: string, call: () => PromiseLike<unknown>): Contender => ({ by, run: inSequence(call) })
const succeeding = effect.operation(succeed)

const five: Group = {
  name: FIVE,
  // opossum has no retry, and the breaker of effect has no window of time (see the next group).
  build: () => {
    const our = ourFive('five')
    const their = cockatielFive()
    return [bare, sequence('escudo', () => our.run(succeed)), sequence('cockatiel', () => their.execute(succeed))]
  },
}

const fiveOverCalls: Group = {
  name: 'five policies with a window of 100 calls, success',
  // The breaker of effect has a window of calls too.
  build: async () => {
    const our = ourFive('five-calls', ourBreaker(failureRate({ window: { calls: 100 }, minimumCalls: 20 })))
    const their = cockatielFive({ breaker: cockatielCountBreaker(100) })
    const withBreaker = await effect.makeBreaker(100)
    const inner = withBreaker(effect.withBulkhead(10)(effect.withTimeout(succeeding)))
    const program = effect.withFallback(effect.withRetry(inner))
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('effect', effect.runner(program)),
    ]
  },
}

const fallbackAlone: Group = {
  name: 'fallback alone, success',
  build: () => {
    const our = ours('fallback', fallback(1))
    const their = cockatielFallback()
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('effect', effect.runner(effect.withFallback(succeeding))),
    ]
  },
}

const retryAlone: Group = {
  name: 'retry alone, success',
  // p-retry takes its options with each call.
  build: () => {
    const our = ours('retry', ourRetry())
    const their = cockatielRetry()
    const options = { retries: 2, minTimeout: 200, maxTimeout: 10_000, randomize: true }
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('p-retry', () => pRetry(succeed, options)),
      sequence('effect', effect.runner(effect.withRetry(succeeding))),
    ]
  },
}

const breakerAlone: Group = {
  name: 'circuit breaker alone, success',
  build: () => {
    const our = ours('breaker', ourBreaker())
    const their = cockatielBreaker()
    return [bare, sequence('escudo', () => our.run(succeed)), sequence('cockatiel', () => their.execute(succeed))]
  },
}

const breakerOverCalls: Group = {
  name: 'circuit breaker with a window of 100 calls alone, success',
  build: async () => {
    const our = ours('breaker-calls', ourBreaker(failureRate({ window: { calls: 100 }, minimumCalls: 20 })))
    const their = cockatielCountBreaker(100)
    const withBreaker = await effect.makeBreaker(100)
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('effect', effect.runner(withBreaker(succeeding))),
    ]
  },
}

const bulkheadAlone: Group = {
  name: 'bulkhead alone, success',
  build: () => {
    const our = ours('bulkhead', bulkhead({ limit: 10 }))
    const their = cockatiel.bulkhead(10)
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('effect', effect.runner(effect.withBulkhead(10)(succeeding))),
    ]
  },
}

const timeoutAlone: Group = {
  name: 'timeout alone, success',
  build: () => {
    const our = ours('timeout', timeout(TIMEOUT_MS))
    const their = cockatielTimeout()
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      sequence('effect', effect.runner(effect.withTimeout(succeeding))),
    ]
  },
}

const breakerAndTimeout: Group = {
  name: BREAKER_AND_TIMEOUT,
  // The composition built into opossum: a breaker over a rolling window with a timeout inside.
  build: () => {
    const our = ours('breaker-and-timeout', ourBreaker(), timeout(TIMEOUT_MS))
    const their = cockatiel.wrap(cockatielBreaker(), cockatielTimeout())
    const opossum = new Opossum(succeed, OPOSSUM)
    return [
      bare,
      sequence('escudo', () => our.run(succeed)),
      sequence('cockatiel', () => their.execute(succeed)),
      { ...sequence('opossum', () => opossum.fire()), close: () => opossum.shutdown() },
    ]
  },
}

/** The cost of policies when calls succeed. */
export const successes: readonly Group[] = [
  five,
  fiveOverCalls,
  fallbackAlone,
  retryAlone,
  breakerAlone,
  breakerOverCalls,
  bulkheadAlone,
  timeoutAlone,
  breakerAndTimeout,
]
