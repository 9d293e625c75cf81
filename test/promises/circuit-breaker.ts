import { type Promised, promised } from './promise.ts'

const POLICY = 'policies/circuit-breaker.test.ts'
const BY_HAND = 'policies/circuit-breaker-by-hand.test.ts'
const HALF_OPEN = 'policies/circuit-breaker-half-open.test.ts'
const VERDICTS = 'policies/circuit-breaker-verdicts.test.ts'
const DECISIONS = 'mechanisms/breaker-decisions.test.ts'
const OPTIONS = 'mechanisms/breaker-options.test.ts'
const MODEL = 'mechanisms/breaker.test.ts'
const SAVED = 'mechanisms/saved-breaker.test.ts'
const TRIP = 'mechanisms/trip.test.ts'
const WINDOW = 'mechanisms/window.test.ts'

/** What a circuit breaker must have. */
export const BREAKER_FEATURES: readonly Promised[] = [
  promised('trips by consecutive failures', [
    POLICY,
    'by consecutive failures: a success in between begins the count again',
  ]),
  promised(
    'trips by the failure rate over the last N calls or the last T',
    [POLICY, 'by the failure rate over the last N calls'],
    [POLICY, 'by the failure rate over the last T'],
  ),
  promised(
    'trips by the rate of slow calls',
    [TRIP, 'a call is slow when it takes longer than its limit, not at it, and failures do not matter'],
    [OPTIONS, 'a slow success counts as slow, a slow failure is both, a quick failure is neither slow nor forgotten'],
    [
      'policies/circuit-breaker-trips.test.ts',
      'at or above its threshold: a slow success counts, and one at the limit is not slow',
    ],
  ),
  promised(
    'trips by any of several',
    [OPTIONS, 'any of several: the reason is that of the rule that trips'],
    ['policies/circuit-breaker-trips.test.ts', 'opens by whichever trips, with its reason and its count'],
  ),
  promised('a minimum number of calls', [POLICY, 'not before the minimum number of calls']),
  promised('half-open with N probes, and a ratio or count to close', [
    HALF_OPEN,
    'N probes with a ratio: closes with ceil(probes · closeAt) successes, opens once that is out of reach',
  ]),
  promised('a lease for probes', [
    HALF_OPEN,
    'that hangs counts as a failure at the end of its lease, and its permit returns',
  ]),
  promised(
    'an open time that is constant, or grows with consecutive openings',
    [POLICY, 'lasts a constant time, opening after opening'],
    [POLICY, 'or a time that grows with consecutive openings, and starts again at its base after closing'],
  ),
  promised(
    "the dependency's Retry-After is honoured as open time",
    [OPTIONS, "the dependency's Retry-After is honoured as open time > %s"],
    [
      'policies/circuit-breaker-trips.test.ts',
      'Retry-After of the dependency honoured as open time > a hint that is %s',
    ],
  ),
  promised('isolate() by hand', [BY_HAND, 'refuses every call without a hint when to come back, until reset']),
  promised('reset() by hand', [
    BY_HAND,
    'closes from open, half-open, isolated and disabled, and forgets what was counted',
  ]),
  promised('disable() by hand', [BY_HAND, 'lets every call through and counts nothing, until reset']),
  promised(
    'metrics only: observe',
    [OPTIONS, 'observe: counts, changes states and tells of them, refuses nothing > open lets all through'],
    ['policies/circuit-breaker-observe.test.ts', 'while open and half-open, and the probes among the calls close it'],
  ),
  promised(
    'a health check that closes early',
    [OPTIONS, 'a success closes an open circuit before its time, and a half-open one without its probes'],
    [
      'policies/circuit-breaker-health-check.test.ts',
      'while open: its first success closes, and nothing is left behind',
    ],
  ),
  promised(
    'recovery ramp: 5, 25, 50, 100 % of the traffic',
    [OPTIONS, '5, 25, 50, 100 % of the traffic: state closed, steps advance by time'],
    [
      'policies/circuit-breaker-ramp.test.ts',
      'the share of calls that each step admits, with the state closed and the status honest',
    ],
  ),
  promised(
    'the ramp is rolled back on regression',
    [OPTIONS, 'a trip while traffic returns opens again, and the next ramp begins at its first step'],
    [
      'policies/circuit-breaker-ramp.test.ts',
      'rolled back on regression: a trip while it ramps opens again, and the ramp begins anew after that',
    ],
  ),
  promised(
    'breakers per key, with a bound and LRU',
    ['mechanisms/keyed-states.test.ts', 'agree with a list that is searched, whatever is done to them'],
    ['test/composition/wrong/keys.test.ts', 'a million keys: %s stays within its bound, and the heap is flat'],
    ['policies/circuit-breaker-keys.test.ts', 'an LRU never evicts a key that is open while another can go'],
  ),
  promised('state that can be saved and restored', [
    SAVED,
    'an open circuit stays open for what was left, with the count that opened it',
  ]),
  promised('listeners', [BY_HAND, 'isolated, disabled and reset by hand are told to listeners, once for each change']),
  promised('a snapshot', [
    POLICY,
    'failures in a snapshot: consecutive ones for consecutive, those within the window otherwise',
  ]),
]

/** Its exact semantics. */
export const BREAKER: readonly Promised[] = [
  promised(
    'a rate trips at or above its threshold',
    [POLICY, 'at or above its threshold, not only above it: 3 of 30 at 0.1'],
    [TRIP, 'every threshold that is a fraction of the calls is met exactly'],
  ),
  promised(
    'a window slides: never in jumps larger than a tenth of its length',
    [WINDOW, 'a time window forgets in steps of a twentieth of its length at most'],
    [WINDOW, 'a time window never counts what is older than its length, and always what is younger than 19/20 of it'],
  ),
  promised(
    'save() stores the open time that is left, never clock values',
    [SAVED, 'save() stores the remaining open time, never clock values > an open circuit stays open for what was left'],
    ['policies/circuit-breaker-saved.test.ts', 'save() stores the remaining open time, never clock values'],
  ),
  promised('a stateChange is emitted when a transition becomes true, also to half-open', [
    POLICY,
    'a stateChange to half-open is emitted by time alone, at the moment at which it becomes true',
  ]),
  promised('a refusal while half-open hints at the end of the lease or the next chance, whichever is first', [
    HALF_OPEN,
    'a refusal hints at the end of the lease or the next chance, whichever comes first',
  ]),
  promised('the growing open time starts again at its base after closing', [
    DECISIONS,
    'the open time grows by its factor up to its maximum, and begins again at its base after closing',
  ]),
  promised(
    'ignored gives the permit back and is not counted, in half-open too: neither closes nor opens',
    [DECISIONS, 'ignored probes give their place back and neither close nor open, however many there are'],
    [HALF_OPEN, 'that was aborted by its caller gives its permit back, and neither closes nor opens'],
  ),
  promised('three verdicts, at any sequence', [
    MODEL,
    'with all options at random, at any sequence of whatever can be done, it agrees with a simple model',
  ]),
  promised(
    'a ticket carries the generation; a result of an earlier one changes nothing',
    [VERDICTS, 'a late failure from the closed era does not re-open a half-open circuit'],
    [VERDICTS, 'a late success from the closed era does not close a half-open circuit'],
    [VERDICTS, 'a late probe from an earlier half-open era does not decide the next one'],
  ),
  promised('half-open: at most N calls in flight as probes, all others refused at once', [
    HALF_OPEN,
    'a stampede of 1000 callers: exactly %i probes, all others refused at once',
  ]),
  promised('half-open: refused with the time to the next chance', [
    'mechanisms/breaker-promises.test.ts',
    'exactly %i probes, all others are refused at once with the time to the next chance',
  ]),
  promised('half-open: nobody waits in a queue', [
    HALF_OPEN,
    'nobody waits in a queue: a refused call settles without time or any probe moving',
  ]),
  promised('a probe that does not settle within its lease is a failure, and its permit returns', [
    HALF_OPEN,
    'that hangs counts as a failure at the end of its lease, and its permit returns',
  ]),
  promised('the decision in half-open falls as soon as it is arithmetically fixed', [
    DECISIONS,
    '%i probes, closing at %f of them: %i successes close, %i failures open',
  ]),
  promised(
    'a time window forgets: after an idle hour nothing from before counts, old buckets never trip',
    [POLICY, 'after an idle hour nothing from before counts: old buckets never trip'],
    [WINDOW, 'after an idle hour nothing from before counts'],
  ),
  promised(
    'refusals by policies further in are ignored',
    [VERDICTS, 'refusals by a bulkhead further in are ignored'],
    [HALF_OPEN, 'that a policy further in refuses is ignored: our own limits say nothing about the dependency'],
    [
      'policies/rate-limiter.test.ts',
      'is ignored by a breaker further out: our own limit says nothing about the dependency',
    ],
    ['test/composition/pairs.test.ts', 'a refusal by …: the operation is not called, nobody waits or counts'],
  ),
  promised('open turns into half-open by time, whether or not anybody calls', [
    POLICY,
    'turns into half-open by time, whether or not anybody calls, so a status page shows it',
  ]),
  promised('a wall clock that jumps an hour either way changes nothing', [
    'mechanisms/breaker-promises.test.ts',
    'a wall clock that jumps an hour either way changes nothing',
  ]),
  promised(
    'an attempt that an escudo timeout further out cuts off is a failure inside',
    [VERDICTS, 'a timeout further out is a failure of the breaker inside, at the moment of the timeout'],
    [HALF_OPEN, 'that a timeout further out cuts off is a failure, and opens at once'],
  ),
  promised("only the caller's own abort is ignored", [
    VERDICTS,
    "the caller's own abort is ignored, also when the operation rejects with its reason",
  ]),
  promised('the count that opened the circuit stays visible while open or half-open; closing sets it to 0', [
    POLICY,
    'the failure count that opened the circuit stays visible while open and half-open; closing sets it to 0',
  ]),
  promised('failures in a snapshot: those in a row for consecutive, those within the window otherwise', [
    POLICY,
    'failures in a snapshot: consecutive ones for consecutive, those within the window otherwise',
  ]),
]
