// A process of its own, for `conservation.test.ts`: node --expose-gc storm.ts CALLS SEED. Sends calls through the
// recommended five in a storm of failures, timeouts and callers who give up, and prints what was left, as JSON.
import { getEventListeners } from 'node:events'
import {
  bulkhead,
  circuitBreaker,
  exponential,
  failureRate,
  fallback,
  type RunOptions,
  retry,
  seededRandom,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { CountingClock } from './counting-clock.ts'
import { ListenerCount } from './listeners.ts'
import { type Mood, moody } from './operation.ts'
import { Caller, type Limits, StandIn, Tracked } from './tracked.ts'

/** What is left of a storm. */
export interface Aftermath {
  readonly settled: number
  /** Outcomes, counted; those that the model does not allow begin with `wrong`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Places in use and queued, after everything has settled. */
  readonly inUse: number
  readonly queued: number
  /** The most that were ever seen in use. */
  readonly inUseMost: number
  readonly retries: number
  readonly openings: number
  /** Timers of the shield at the end, and the most at any moment at which no call was under way. */
  readonly pendingTimers: number
  readonly idleTimersMost: number
  /** Listeners on the signals of callers. */
  readonly listenersAdded: number
  readonly listenersRemoved: number
  /** Signals that had a listener when nobody was waiting any more. */
  readonly signalsHeard: number
  readonly unhandledRejections: number
  /** After a collection, when a tenth of the calls, and when all had been made and settled. */
  readonly heapBytesEarly: number
  readonly heapBytesLate: number
  /** After a long rest: the breaker lets a probe through, and closes. */
  readonly rested: { readonly value: unknown; readonly state: string }
}

const LIMITS: Limits = { totalMs: 300, attemptMs: 100, attempts: 3 }
const PLACES = 40
const SHARED_CALLERS = 4
const BATCH_MAX = 16
const STEP_MS_MAX = 12
const PAUSE_SHARE = 0.01
const OUTAGE_EVERY_MS = 5_000

const [calls = 0, seed = 0] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const clock = virtualClock()
const shieldClock = new CountingClock(clock)
const listeners = new ListenerCount()
listeners.install()

// The lease is long, so that a probe whose ticket nobody gives back holds the circuit half-open to the end.
const breaker = circuitBreaker({
  trip: failureRate({ threshold: 0.5, window: '1s', minimumCalls: 20 }),
  openFor: '500ms',
  halfOpen: { probes: 3, closeAt: 0.5, lease: '1h' },
})
const five = shield(
  { name: 'storm', clock: shieldClock, random: seededRandom(seed + 1) },
  fallback((error) => new StandIn(error)),
  timeout(LIMITS.totalMs, { name: 'total' }),
  retry({ maxRetries: LIMITS.attempts - 1, backoff: exponential({ base: '20ms', max: '100ms' }) }),
  breaker,
  bulkhead({ limit: PLACES, queue: PLACES, maxWait: '30ms' }),
  timeout(LIMITS.attemptMs, { name: 'attempt' }),
)

const outcomes: Record<string, number> = {}
let settledCalls = 0
let signalsHeard = 0
let openings = 0
let unhandledRejections = 0
let inUseMost = 0
let idleTimersMost = 0
breaker.on('stateChange', ({ to }) => {
  if (to === 'open') openings += 1
})
process.on('unhandledRejection', () => {
  unhandledRejections += 1
})

const count = (outcome: string): void => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}

function newCaller(): Caller {
  const caller = new Caller()
  listeners.watch(caller.controller.signal)
  return caller
}

/** A caller of its own, for one call: one that has given up already, one that gives up soon, or one that never does. */
function ownCaller(): Caller {
  const caller = newCaller()
  const how = random()
  if (how < 0.1) caller.abort(clock.now())
  // Also after the call has settled: then it must change nothing.
  else if (how < 0.8) clock.setTimer(() => caller.abort(clock.now()), random() * LIMITS.totalMs * 0.5)
  return caller
}

const shared = Array.from({ length: SHARED_CALLERS }, newCaller)

/** Any of the shared callers but the first, who is patient to the end, while ever more calls are made for him. */
function sharedCallerGivesUp(): void {
  const place = 1 + Math.floor(random() * (SHARED_CALLERS - 1))
  const caller = shared[place] as Caller
  caller.abort(clock.now())
  shared[place] = newCaller()
}

/** Some callers give up in the very tick in which another call ends, at whatever step of its end. */
function onEnd(): void {
  if (random() < 0.98) return
  const steps = Math.floor(random() * 16)
  const step = (left: number): void => queueMicrotask(() => (left === 0 ? sharedCallerGivesUp() : step(left - 1)))
  step(steps)
}

function callOnce(mood: Mood): void {
  const who = random()
  const caller =
    who < 0.25 ? undefined : who < 0.6 ? (shared[Math.floor(random() * SHARED_CALLERS)] as Caller) : ownCaller()
  const deadlineMs = random() < 0.2 ? 5 + random() * LIMITS.totalMs * 0.8 : undefined
  const tracked = new Tracked(clock, LIMITS, caller, deadlineMs)
  const options: RunOptions = { signal: caller?.controller.signal, deadline: deadlineMs }
  const settle = (outcome: { value: unknown } | { error: unknown }): void => {
    settledCalls += 1
    count(tracked.outcomeOf(outcome))
    const isShared = caller !== undefined && shared.includes(caller)
    if (caller !== undefined && !isShared && inNobodysHands(caller)) signalsHeard += 1
  }
  five.run(moody(tracked, mood), caller === undefined && deadlineMs === undefined ? undefined : options).then(
    (value) => settle({ value }),
    (error) => settle({ error }),
  )
}

/** Whether somebody still listens to a caller whose only call has settled, or who gave up so that all have. */
function inNobodysHands({ controller, abortedAt }: Caller): boolean {
  // Those who shared a signal settle one after the other, so only what was cut off before now is over for all.
  if (abortedAt === clock.now()) return false
  return getEventListeners(controller.signal, 'abort').length > 0
}

const inUse = (): { inUse: number; queued: number } => five.status().policies[4] as never

/** Lets every call settle that was made. Then a circuit that is open may have its timer, and nobody else any. */
async function pause(made: number): Promise<void> {
  while (settledCalls < made) await clock.advance(1)
  const own = breaker.state === 'open' ? 1 : 0
  idleTimersMost = Math.max(idleTimersMost, shieldClock.pending - own)
}

/** Everything settles, and everything that was set on the clock fires. */
async function calm(): Promise<void> {
  await clock.advance('10s')
}

function heapBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  for (let time = 0; time < 3; time += 1) collect()
  return process.memoryUsage().heapUsed
}

let heapBytesEarly = 0
for (let made = 0; made < calls; ) {
  const batch = Math.min(1 + Math.floor(random() * BATCH_MAX), calls - made)
  // Mostly well; every few seconds an outage, in which all fails for a second.
  const failures = clock.now() % OUTAGE_EVERY_MS < OUTAGE_EVERY_MS / 5 ? 0.9 : 0.12
  const mood: Mood = {
    clock,
    random,
    failures,
    attemptMs: LIMITS.attemptMs,
    onEnd,
    wrong: (what) => count(`wrong: ${what}`),
  }
  for (let one = 0; one < batch; one += 1) callOnce(mood)
  if (random() < 0.02) sharedCallerGivesUp()
  if (random() < PAUSE_SHARE) await pause(made + batch)
  inUseMost = Math.max(inUseMost, inUse().inUse)
  await clock.advance(random() * STEP_MS_MAX)
  if (made < calls / 10 && made + batch >= calls / 10) {
    await calm()
    heapBytesEarly = heapBytes()
  }
  made += batch
}
await calm()
const heapBytesLate = heapBytes()
const left = inUse()
for (const { controller } of shared) if (getEventListeners(controller.signal, 'abort').length > 0) signalsHeard += 1
const pendingTimers = shieldClock.pending
const value = await five.run(() => 'well')
const more = [await five.run(() => 'well'), await five.run(() => 'well')]

const aftermath: Aftermath = {
  settled: settledCalls,
  outcomes,
  inUse: left.inUse,
  queued: left.queued,
  inUseMost,
  retries: Number((five.status().policies[2] as Record<string, unknown>)['retries']),
  openings,
  pendingTimers,
  idleTimersMost,
  listenersAdded: listeners.added,
  listenersRemoved: listeners.removed,
  signalsHeard,
  unhandledRejections,
  heapBytesEarly,
  heapBytesLate,
  rested: { value: more.every((one) => one === value) ? value : more, state: breaker.state },
}
console.log(JSON.stringify(aftermath))
