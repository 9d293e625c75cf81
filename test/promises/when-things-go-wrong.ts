import { type Promised, promised } from './promise.ts'

// Every policy by the same tests: one entry in their tables.
const EVERY = 'test/composition/wrong/every-policy.test.ts'
const TIME = 'test/composition/wrong/time.test.ts'
const LISTENERS = 'test/composition/wrong/listeners.test.ts'
const OPTIONS = 'test/composition/wrong/options.test.ts'
const CROWDS = 'test/composition/crowds.test.ts'
const HOSTILE = 'policies/hostile.test.ts'

/** What to expect when things go wrong. */
export const WRONG: readonly Promised[] = [
  promised(
    'wall clock ± 1 h',
    [EVERY, 'a wall clock that jumps an hour, either way, at every reading, changes nothing'],
    ['core/clock.test.ts', 'a wall clock that jumps an hour either way moves nothing'],
  ),
  promised(
    'event loop blocked for 30 s: no burst of credit',
    [TIME, 'an event loop that was blocked for 30 s gives no burst of credit > rateLimiter, %s'],
    [TIME, 'gives no burst of credit > retryBudget, through a retry'],
    [TIME, 'gives no burst of credit > throttle'],
    ['mechanisms/retry-budget.test.ts', 'an event loop that was blocked for 30 s gives no burst of credit'],
  ),
  promised(
    'delay beyond 2³¹−1 ms',
    [TIME, 'a delay beyond 2³¹−1 ms is waited for in full > %s'],
    [TIME, "a delay beyond 2³¹−1 ms is waited for in full > circuitBreaker's openFor"],
    ['core/clock.test.ts', 'a delay beyond 2^31-1 ms is waited for in full, in several steps'],
  ),
  promised('NaN, negative, Infinity in options', [OPTIONS, '%s > does not take %s, and the error names the option']),
  promised(
    'never-settling operation',
    ['test/composition/pairs.test.ts', '%s > %s'],
    [HOSTILE, 'never settles is cut off by its timeouts, attempt by attempt'],
  ),
  promised(
    'synchronous throw',
    [EVERY, 'an operation that %s fails with just that'],
    [HOSTILE, '%s fails with just that'],
  ),
  promised(
    'throw of undefined',
    [EVERY, 'an operation that %s fails with just that'],
    [HOSTILE, '%s fails with just that'],
  ),
  promised(
    'throw of a frozen object',
    [EVERY, 'an operation that %s fails with just that'],
    [HOSTILE, '%s fails with just that'],
  ),
  promised(
    'thenables',
    [EVERY, 'a thenable that resolves twice, with a thenable, and rejects after that, is one value'],
    [HOSTILE, '%s succeeds once'],
  ),
  promised('late rejection after a timeout: none is unhandled', [
    EVERY,
    'work that %s late, after a timeout on either side, is not counted twice, nor unhandled',
  ]),
  promised('late success: not counted twice', [
    EVERY,
    'work that %s late, after a timeout on either side, is not counted twice, nor unhandled',
  ]),
  promised('reentrant calls', [EVERY, 'calls from inside of its own operation run, and every permit comes back']),
  promised('10⁶ calls against a full bulkhead: bounded, fast', [
    CROWDS,
    'a million calls against a full bulkhead: all refused, nothing grows, and it is fast',
  ]),
  promised('abort and success in one tick: one outcome', [
    EVERY,
    'an abort and a success in one tick have one outcome, whichever comes first',
  ]),
  promised(
    "10⁵ calls on one caller's signal: no listener left behind",
    [EVERY, "10⁵ calls on one caller's signal leave no listener, timer or permit behind"],
    [CROWDS, "a hundred thousand calls on one caller's signal leave no listener and cause no warning"],
  ),
  promised('a listener that throws, rejects or hangs', [
    LISTENERS,
    'a listener that %s, on every event of every policy, changes no call, no state and no other listener',
  ]),
  promised('a listener that unsubscribes itself', [
    LISTENERS,
    'a listener that unsubscribes itself hears once, and the others hear everything',
  ]),
  promised(
    'a classifier or a fallback that throws: the original error is kept as cause',
    ['policies/retry.test.ts', 'a classifier that throws keeps the original error as cause, and nothing is retried'],
    [
      'policies/circuit-breaker-verdicts.test.ts',
      'that throws over an error keeps the original as cause, gives the permit back, and counts neither way',
    ],
    ['policies/fallback.test.ts', 'a failure of the function itself keeps the original as its cause'],
    ['policies/fallback.test.ts', 'a `when` that throws keeps the original as its cause'],
  ),
  promised(
    '1000 callers at the moment of half-open: exactly N probes',
    ['policies/circuit-breaker-half-open.test.ts', 'a stampede of 1000 callers: exactly %i probes'],
    [CROWDS, 'a thousand callers at the moment of half-open through the recommended five: exactly one probe'],
  ),
  promised('flapping at the threshold', [
    'policies/circuit-breaker.test.ts',
    'flapping at the threshold: each side of it decides for itself, and the circuit comes back each time',
  ]),
  promised('10⁶ keys: bounded, flat heap', [
    'test/composition/wrong/keys.test.ts',
    'a million keys: %s stays within its bound, and the heap is flat',
  ]),
  promised('the key __proto__', [EVERY, 'the key `__proto__` is a key like any other']),
  promised('options replaced while calls are in flight: permits conserved', [
    OPTIONS,
    'changes nothing, since they are read once, when the policy is made: every permit is conserved',
  ]),
]
