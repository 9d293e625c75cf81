import { type Promised, promised } from './promise.ts'

const ORDERS = 'test/composition/orders.test.ts'

/** Defaults where the user gives none. */
export const DEFAULTS: readonly Promised[] = [
  promised('breaker: failure rate 50 % over 30 s with at least 20 calls, open 10 s, 1 probe', [
    'policies/circuit-breaker.test.ts',
    'by default at a failure rate of 50 % over 30 s with at least 20 calls, for 10 s, with 1 probe',
  ]),
  promised('retry: 2 retries, exponential from 200 ms to 10 s, full jitter', [
    'policies/retry.test.ts',
    'default: 2 retries, exponential from 200 ms, full jitter',
  ]),
  promised('bulkhead: no queue', ['policies/bulkhead.test.ts', 'has no queue unless told']),
  promised('a throw is a failure', [
    'test/composition/defaults.test.ts',
    'a throw is a failure: retried, hedged, counted',
  ]),
  promised(
    'a business error is ignored',
    ['test/composition/defaults.test.ts', "a business error and the caller's abort are ignored"],
    [
      'policies/circuit-breaker-verdicts.test.ts',
      'a business error is ignored: a 404 opens no circuit, and begins no count again',
    ],
  ),
  promised("the caller's abort is ignored", [
    'policies/circuit-breaker-verdicts.test.ts',
    "the caller's own abort is ignored, also when the operation rejects with its reason",
  ]),
]

/** Order. */
export const ORDER: readonly Promised[] = [
  promised('the first policy is the outermost', ['core/shield-run.test.ts', 'the first policy is the outermost']),
  promised(
    'recommended: fallback → total timeout → retry → circuit breaker → bulkhead → attempt timeout',
    ['test/composition/recommended.test.ts', 'the breaker sees every attempt, the total timeout bounds all of them'],
    [ORDERS, 'any of the policies, in any order'],
  ),
  promised('the breaker inside of the retry sees every attempt', [
    'policies/retry-limits.test.ts',
    'the breaker inside the retry sees every attempt; the retry inside the breaker counts as one',
  ]),
  promised('the total timeout bounds all attempts', [
    'policies/timeout.test.ts',
    'outside of one it bounds all attempts together',
  ]),
  promised('a fallback inside of a retry hides failures from it, and the check warns', [
    'core/shield.test.ts',
    'a fallback inside of a retry hides failures from it: a warning, once',
  ]),
]

/** Goals of speed and memory: measured by `npm run bench`, where each has its figure and its verdict. */
export const SPEED: readonly Promised[] = [
  promised('shield of 5, success: at most 8 × a bare await (stretch: 5 ×)', [
    'bench/goals.ts',
    "slower(FIVE, 8, 'bare')",
  ]),
  promised("and at least 15 × faster than cockatiel's", ['bench/goals.ts', "faster(FIVE, 15, 'cockatiel')"]),
  promised("breaker + timeout, success: at least 3 × faster than opossum's", [
    'bench/goals.ts',
    "faster(BREAKER_AND_TIMEOUT, 3, 'opossum')",
  ]),
  promised(
    'refusal by an open breaker: at least 4 × faster than cockatiel and opossum',
    ['bench/goals.ts', "faster(REFUSAL, 4, 'cockatiel')"],
    ['bench/goals.ts', "faster(REFUSAL, 4, 'opossum')"],
  ),
  promised('failure path: constant in the number of calls in the window', [
    'bench/goals.ts',
    "constant('a window of calls', windowOfCalls)",
  ]),
  promised('one breaker per key, a million keys: at most 300 bytes a key', ['bench/goals.ts', 'KEY_BYTES_MAX = 300']),
  promised('bytes allocated for a successful call of the 5: at most 2 KB', [
    'bench/goals.ts',
    'CALL_BYTES_MAX = 2_048',
  ]),
]
