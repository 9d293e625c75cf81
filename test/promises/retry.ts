import { type Promised, promised } from './promise.ts'

const POLICY = 'policies/retry.test.ts'
const LIMITS = 'policies/retry-limits.test.ts'
const ATTEMPTS = 'policies/retry-attempts.test.ts'
const BACKOFF = 'mechanisms/backoff.test.ts'
const BUDGET = 'mechanisms/retry-budget.test.ts'
const SHARED = 'policies/retry-shared-budget.test.ts'

/** What a retry must have. */
export const RETRY_FEATURES: readonly Promised[] = [
  promised('maxRetries', [POLICY, 'maxRetries 2 are three calls, and the first waits for nothing']),
  promised(
    'constant, linear, exponential backoff',
    [POLICY, 'backoff > constant'],
    [POLICY, 'linear, up to its maximum'],
    [POLICY, 'exponential without jitter, up to its maximum'],
  ),
  promised(
    'jitter none, full, equal, decorrelated',
    [BACKOFF, "jitter 'none' takes the cap as it is"],
    [BACKOFF, "jitter 'full' is random"],
    [BACKOFF, "jitter 'equal' keeps half of the cap and draws the other half"],
    [BACKOFF, "jitter 'decorrelated' draws from base to three times the delay before, at most max"],
  ),
  promised(
    'delay from the error: Retry-After, seconds and dates',
    [POLICY, "an error's retryAfterMs replaces the backoff's delay, longer or shorter"],
    ['http/pieces.test.ts', 'Retry-After > of %.40s'],
  ),
  promised('clamped by an option', [POLICY, 'is clamped by an option, whose default is 60 s']),
  promised(
    'classification by outcome, value or error',
    [POLICY, 'by outcome: by value'],
    [POLICY, 'by outcome: by error, business errors included'],
  ),
  promised(
    'a budget shared between shields',
    [SHARED, 'two shields that share a budget retry no more than it pays for, together'],
    [BUDGET, 'within a ttl pays for no more than the ratio of its deposits and the floor of each second'],
  ),
  promised('a limit for the whole time', [
    LIMITS,
    'maxTotal: no retry begins later than that after the first attempt began',
  ]),
  promised(
    'stops at once on abort, also during backoff',
    [LIMITS, 'during backoff settles at once with the reason, and the operation is not called again'],
    [LIMITS, 'during an attempt ends the retries, also when the operation is deaf or rejects with something else'],
  ),
  promised('skips a retry that cannot finish before the deadline', [
    LIMITS,
    "a retry that cannot begin before the call's deadline is not made: the error comes at once",
  ]),
  promised(
    'does not sleep through an open breaker: a refusal is retried only when its hint fits into the next delay',
    [LIMITS, 'whose hint fits into the next delay is retried after that delay'],
    [LIMITS, 'whose hint does not fit into the next delay ends the retries at once with the refusal'],
  ),
]

/** Its exact semantics. */
export const RETRY: readonly Promised[] = [
  promised('the first call is not a retry', [POLICY, 'the first call is not a retry']),
  promised('attempts are numbered from 1 in call.attempt', [POLICY, 'attempts are numbered from 1 in call.attempt']),
  promised(
    "abort during backoff settles at once with the caller's reason; the operation is not called again",
    [LIMITS, 'during backoff settles at once with the reason, and the operation is not called again'],
    ['test/composition/nth-step-all.test.ts', 'from outside, of five calls in a queue, of which two share a flight'],
  ),
  promised('a signal that is aborted already: never called', [
    'core/shield-run.test.ts',
    'a signal that is aborted already means that the operation is never called',
  ]),
  promised('full jitter: random · min(cap, base · 2^n)', [POLICY, 'full jitter: random · min(cap, base · 2^n)']),
  promised('equal jitter: half fixed, half random', [POLICY, 'equal jitter: half fixed, half random']),
  promised('decorrelated jitter: min(cap, random(base, 3 · previous))', [
    POLICY,
    'decorrelated jitter: min(cap, random(base, 3 · previous))',
  ]),
  promised('budget: gains ratio for each success, pays 1 for a retry', [
    BUDGET,
    'gains the ratio for each success, and pays 1 for a retry',
  ]),
  promised(
    'or for each first attempt, by option',
    [BUDGET, 'is paid by successes or by first attempts, never by both'],
    [SHARED, 'per: attempt pays for each first attempt, and not for those of a retry'],
  ),
  promised('budget: a floor per second', [SHARED, 'a client with few calls has its floor per second']),
  promised("budget: Finagle's 20 % + 10/s with 10 s to live", [
    BUDGET,
    'has the 20 % and 10 a second over 10 s of Finagle by default',
  ]),
  promised('the last error is thrown, with attempts and the earlier errors reachable', [
    ATTEMPTS,
    'as it is, with the attempts and the earlier errors reachable',
  ]),
  promised('its stack leads to the caller', [
    ATTEMPTS,
    'its stack leads to the caller > through the recommended five, %s',
  ]),
]
