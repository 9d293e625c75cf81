import { type Promised, promised } from './promise.ts'

const TIMEOUT = 'policies/timeout.test.ts'
const BULKHEAD = 'policies/bulkhead.test.ts'
const BULKHEAD_ORDER = 'policies/bulkhead-order.test.ts'
const RATE = 'policies/rate-limiter.test.ts'
const RATE_WAITING = 'policies/rate-limiter-waiting.test.ts'
const RATE_MECHANISM = 'mechanisms/rate-limit.test.ts'
const ADAPTIVE = 'policies/adaptive-limiter.test.ts'
const LIMITS = 'mechanisms/limits'
const THROTTLE = 'policies/throttle.test.ts'
const HEDGE = 'policies/hedge.test.ts'
const FALLBACK = 'policies/fallback.test.ts'
const CACHE = 'policies/cache.test.ts'
const STANDARD = 'policies/standard-shield.test.ts'

/** Timeout, bulkhead, the limiters. */
export const LIMITERS: readonly Promised[] = [
  promised(
    'timeout: per attempt or total, by position',
    [TIMEOUT, 'inside of a retry it bounds each attempt'],
    [TIMEOUT, 'outside of one it bounds all attempts together'],
  ),
  promised('timeout: settles on time even when the operation ignores its signal', [
    TIMEOUT,
    'settles on time, not before and not after, even when the operation ignores its signal',
  ]),
  promised("timeout: aborts the call's signal with its own reason", [
    TIMEOUT,
    "aborts the call's signal with its own reason, which is the error that the caller gets",
  ]),
  promised("timeout: a caller's abort is never reported as a timeout", [
    TIMEOUT,
    "a caller's abort is never reported as a timeout",
  ]),
  promised("timeout: one further in is not taken for one's own", [
    TIMEOUT,
    "a timeout further in is not taken for one's own",
  ]),
  promised('timeout: does not abort what has already returned (a streaming body)', [
    TIMEOUT,
    'does not abort what has already returned: a body that is still streaming',
  ]),
  promised('bulkhead: limit and bounded queue', [
    BULKHEAD,
    'lets the limit through, queues up to its bound, refuses the rest at once',
  ]),
  promised('bulkhead: a longest wait, beyond which it is BulkheadFullError', [
    BULKHEAD,
    'waiting longer than maxWait is BulkheadFullError, and the place in the queue is free',
  ]),
  promised('bulkhead: FIFO by default', [BULKHEAD, 'serves the queue in the order in which they came']),
  promised('bulkhead: LIFO as an option', [BULKHEAD_ORDER, 'serves the newest waiter first']),
  promised('bulkhead: priority as an option; higher first, equals FIFO', [
    BULKHEAD_ORDER,
    'serves the higher priority first, equals FIFO',
  ]),
  promised('bulkhead: an aborted waiter leaves the queue at once', [
    BULKHEAD,
    'an aborted waiter leaves the queue at once, with its reason, and its place in it is free',
  ]),
  promised('bulkhead: a freed slot goes to the head of the queue, a newcomer cannot take it', [
    BULKHEAD,
    'a freed slot is handed to the head of the queue, a newcomer cannot take it',
  ]),
  promised(
    'bulkhead: the permit is held until the operation settles, also when a timeout outside has given up',
    [
      BULKHEAD,
      'the permit is held until the operation settles: a timeout outside does not free the slot of work that runs',
    ],
    [
      'test/composition/orders.test.ts',
      'any of the policies, in any order: the outcome, its instant, every counter and event',
    ],
  ),
  promised('bulkhead outside of timeout frees the slot at the timeout', [
    BULKHEAD,
    'bulkhead outside of a timeout frees the slot at the timeout, because the timeout settles first',
  ]),
  promised('bulkhead: the documents say which to choose', [
    'docs/policies/bulkhead.md',
    '## Inside or outside of a timeout?',
  ]),
  promised(
    'rate limiter: token bucket and sliding window',
    [RATE_MECHANISM, '$name > lets through all that its definition allows, and nothing else'],
    [RATE_WAITING, 'starts no call that breaks the rule, and keeps to the order, whatever comes, waits and gives up'],
  ),
  promised('rate limiter: waits with a bound', [
    RATE_WAITING,
    'lets calls wait for their permits in the order of coming, and refuses who would wait longer',
  ]),
  promised('rate limiter: or refuses', [RATE, 'with a real error that says what is allowed, and is told as rejected']),
  promised('rate limiter: per key', [
    'policies/rate-limiter-keys.test.ts',
    'keeps keys apart, __proto__ and no key included',
  ]),
  promised('rate limiter: retryAfterMs is exact', [
    RATE,
    'and says exactly when to come back: at that instant a call passes, a hair before it does not',
  ]),
  promised(
    'adaptive limiter: AIMD, Vegas and Gradient2',
    [`${LIMITS}/aimd.test.ts`, 'at any sequence of calls it is the rule of TCP Reno'],
    [`${LIMITS}/vegas.test.ts`, 'at any sequence of calls it is the rule of TCP Vegas, within its bounds'],
    [`${LIMITS}/gradient2.test.ts`, 'at any sequence of calls it is the rule of Gradient2, within its bounds'],
  ),
  promised('adaptive limiter: ignores cancelled samples', [
    ADAPTIVE,
    "the caller's abort settles at once with its reason and teaches nothing",
  ]),
  promised(
    'adaptive limiter: never below a floor',
    [`${LIMITS}/aimd.test.ts`, 'it ends at its floor when everything is lost, and at its ceiling when nothing is'],
    [`${LIMITS}/vegas.test.ts`, 'it ends at its floor'],
    [`${LIMITS}/gradient2.test.ts`, 'ends at its floor'],
  ),
  promised('throttle: accepts are the verdicts success and ignored', [
    THROTTLE,
    'accepts are the verdicts success and ignored',
  ]),
  promised('throttle: recovers by itself', ['policies/throttle-overload.test.ts', 'it recovers by itself']),
  promised('throttle: p = max(0, (requests − K · accepts)/(requests + 1))', [
    'mechanisms/adaptive-throttle.test.ts',
    'p = max(0, (requests − k · accepts)/(requests + 1)), requests counted before the call, refused ones too',
  ]),
  promised('throttle: K = 2, a window of 2 min', [
    'test/composition/defaults.test.ts',
    'throttle: K = 2 over 2 minutes',
  ]),
  promised('throttle: requests are counted before the call', [
    THROTTLE,
    'counts requests before the call and accepts after it',
  ]),
]

/** Hedge, fallback, cache, coalesce, the standard shield. */
export const REST: readonly Promised[] = [
  promised('hedge: after a delay', [
    HEDGE,
    'a second call is started, the first success wins, and the loser is aborted',
  ]),
  promised('hedge: or at a live quantile of latency', [
    'policies/hedge-quantile.test.ts',
    'q = %d: is within 1 % of the exact quantile',
  ]),
  promised('hedge: only safe operations unless told', [
    'http/hedge.test.ts',
    'safe methods only, unless unsafe: true > %s',
  ]),
  promised('hedge: losers are aborted, the result does not wait for them', [
    HEDGE,
    'the result does not wait for losers, even where they ignore their signal',
  ]),
  promised('hedge: a failure sends the next one at once', [
    HEDGE,
    'sends the next hedge at once, not waiting for the delay, and the delay begins anew',
  ]),
  promised('hedge: bounded by the budget', [HEDGE, 'by the budget: no budget, no hedge']),
  promised(
    'fallback: a value, or a function of the failure',
    [FALLBACK, 'puts a value in place of a failure, and leaves a success alone'],
    [FALLBACK, 'or what a function makes of the failure and the call, now or later'],
  ),
  promised('fallback: typed', ['core/composition.test-d.ts', 'same<typeof result, Response | null>(true)']),
  promised('fallback: its own error keeps the original as cause', [
    FALLBACK,
    'a failure of the function itself keeps the original as its cause',
  ]),
  promised('fallback: chains', [FALLBACK, 'chains: the outer one stands in for what the inner one could not']),
  promised('cache: TTL', [CACHE, 'a value is given out and nothing is run; at ttl it is over']),
  promised('cache: stale while revalidate', [
    'policies/cache-stale-while-revalidate.test.ts',
    'a stale value is answered at once, and one refresh runs in the background',
  ]),
  promised('cache: stale if error', [
    'policies/cache-stale-if-error.test.ts',
    'a failure is answered with the stale value, and told',
  ]),
  promised('cache: a bound', [
    CACHE,
    'beyond maxEntries the key that was used least recently goes, a million keys are 10',
  ]),
  promised('cache: a key', [CACHE, 'each key has its own value']),
  promised('cache: failures are never cached', [CACHE, 'a failure is never kept: %s']),
  promised('coalesce: one flight per key', [
    'policies/coalesce.test.ts',
    'all who ask meanwhile get its value, the same to all',
  ]),
  promised('coalesce: abort of one waiter leaves the others', [
    'policies/coalesce-leaving.test.ts',
    'an abort of one waiter leaves the others, also when it is the one who began',
  ]),
  promised('standard shield: rate limiter or bulkhead (1000), total timeout, retry, breaker, attempt timeout', [
    STANDARD,
    'rate limiter or bulkhead (1000), then total timeout, retry, breaker, attempt timeout',
  ]),
  promised('standard shield: the values of .NET', [
    'core/shield.test.ts',
    'the standard shield has the order and the values of .NET, each overridable',
  ]),
  promised('standard shield: each part overridable', [
    STANDARD,
    'each part is overridable, and a wrong option is an error with its path',
  ]),
]
