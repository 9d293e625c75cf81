// A separate process for `conservation.test.ts`: node --expose-gc storm.ts CALLS SEED. Sends calls through the five
// recommended policies during failures, timeouts and aborts, and prints as JSON what is left afterwards.
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
import { type Behaviour, randomOperation } from './operation.ts'
import { Caller, type Limits, Substitute, Tracked } from './tracked.ts'

/** What is left after a storm. */
export interface Aftermath {
  readonly settled: number
  /** How often each outcome occurred. Names of outcomes that the model does not allow begin with `wrong`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Permits in use and calls queued, after everything has settled. */
  readonly inUse: number
  readonly queued: number
  /** The most permits that were in use at any time. */
  readonly inUseMost: number
  readonly retries: number
  readonly openings: number
  /** Timers of the shield at the end, and the most at any moment without calls in flight. */
  readonly pendingTimers: number
  readonly idleTimersMost: number
  /** Listeners on the signals of callers. */
  readonly listenersAdded: number
  readonly listenersRemoved: number
  /** Signals that still had a listener after all their calls had settled. */
  readonly signalsWithListeners: number
  readonly unhandledRejections: number
  /** After a garbage collection, when a tenth of the calls and when all calls had settled. */
  readonly heapBytesEarly: number
  readonly heapBytesLate: number
  /** After a long pause: the result of a probe, and the state of the breaker after it. */
  readonly rested: { readonly value: unknown; readonly state: string }
}

const LIMITS: Limits = { totalMs: 300, attemptMs: 100, attempts: 3 }
const PERMITS = 40
const SHARED_CALLERS = 4
const BATCH_MAX = 16
const STEP_MS_MAX = 12
const PAUSE_SHARE = 0.01
const DOWN_EVERY_MS = 5_000

const [calls = 0, seed = 0] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const clock = virtualClock()
const shieldClock = new CountingClock(clock)
const listeners = new ListenerCount()
listeners.install()

// The lease is long, so that a probe whose permit is never released keeps the circuit half-open until the end.
const breaker = circuitBreaker({
  trip: failureRate({ threshold: 0.5, window: '1s', minimumCalls: 20 }),
  openFor: '500ms',
  halfOpen: { probes: 3, closeAt: 0.5, lease: '1h' },
})
const five = shield(
  { name: 'storm', clock: shieldClock, random: seededRandom(seed + 1) },
  fallback((error) => new Substitute(error)),
  timeout(LIMITS.totalMs, { name: 'total' }),
  retry({ maxRetries: LIMITS.attempts - 1, backoff: exponential({ base: '20ms', max: '100ms' }) }),
  breaker,
  bulkhead({ limit: PERMITS, queue: PERMITS, maxWait: '30ms' }),
  timeout(LIMITS.attemptMs, { name: 'attempt' }),
)

const outcomes: Record<string, number> = {}
let settledCalls = 0
let signalsWithListeners = 0
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

/** A caller of a single call. It has already aborted, aborts soon, or never aborts. */
function singleCaller(): Caller {
  const caller = newCaller()
  const draw = random()
  if (draw < 0.1) caller.abort(clock.now())
  // May come after the call has settled, and must then change nothing.
  else if (draw < 0.8) clock.setTimer(() => caller.abort(clock.now()), random() * LIMITS.totalMs * 0.5)
  return caller
}

const shared = Array.from({ length: SHARED_CALLERS }, newCaller)

/** Aborts one of the shared callers. The first one never aborts, and makes ever more calls on one signal. */
function abortSharedCaller(): void {
  const index = 1 + Math.floor(random() * (SHARED_CALLERS - 1))
  const caller = shared[index] as Caller
  caller.abort(clock.now())
  shared[index] = newCaller()
}

/** Sometimes aborts a shared caller in the tick in which another call ends, after a random number of microtasks. */
function onEnd(): void {
  if (random() < 0.98) return
  const steps = Math.floor(random() * 16)
  const step = (left: number): void => queueMicrotask(() => (left === 0 ? abortSharedCaller() : step(left - 1)))
  step(steps)
}

function callOnce(behaviour: Behaviour): void {
  const draw = random()
  const caller =
    draw < 0.25 ? undefined : draw < 0.6 ? (shared[Math.floor(random() * SHARED_CALLERS)] as Caller) : singleCaller()
  const deadlineMs = random() < 0.2 ? 5 + random() * LIMITS.totalMs * 0.8 : undefined
  const tracked = new Tracked(clock, LIMITS, caller, deadlineMs)
  const options: RunOptions = { signal: caller?.controller.signal, deadline: deadlineMs }
  const settle = (outcome: { value: unknown } | { error: unknown }): void => {
    settledCalls += 1
    count(tracked.outcomeOf(outcome))
    const isShared = caller !== undefined && shared.includes(caller)
    if (caller !== undefined && !isShared && hasListeners(caller)) signalsWithListeners += 1
  }
  five
    .run(randomOperation(tracked, behaviour), caller === undefined && deadlineMs === undefined ? undefined : options)
    .then(
      (value) => settle({ value }),
      (error) => settle({ error }),
    )
}

/** Whether the signal of a caller without unsettled calls still has a listener. */
function hasListeners({ controller, abortedAt }: Caller): boolean {
  // Calls that share a signal settle one after the other: all have settled only after the instant of the abort.
  if (abortedAt === clock.now()) return false
  return getEventListeners(controller.signal, 'abort').length > 0
}

const inUse = (): { inUse: number; queued: number } => five.status().policies[4] as never

/** Waits until every call has settled. Then only an open circuit may have a timer. */
async function pause(made: number): Promise<void> {
  while (settledCalls < made) await clock.advance(1)
  const openTimers = breaker.state === 'open' ? 1 : 0
  idleTimersMost = Math.max(idleTimersMost, shieldClock.pending - openTimers)
}

/** Lets every call settle and every timer fire. */
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
  // Mostly healthy; every 5 s, for 1 s, 90 % of the attempts fail.
  const failures = clock.now() % DOWN_EVERY_MS < DOWN_EVERY_MS / 5 ? 0.9 : 0.12
  const behaviour: Behaviour = {
    clock,
    random,
    failures,
    attemptMs: LIMITS.attemptMs,
    onEnd,
    onProblem: (problem) => count(`wrong: ${problem}`),
  }
  for (let call = 0; call < batch; call += 1) callOnce(behaviour)
  if (random() < 0.02) abortSharedCaller()
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
for (const { controller } of shared)
  if (getEventListeners(controller.signal, 'abort').length > 0) signalsWithListeners += 1
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
  signalsWithListeners,
  unhandledRejections,
  heapBytesEarly,
  heapBytesLate,
  rested: { value: more.every((each) => each === value) ? value : more, state: breaker.state },
}
console.log(JSON.stringify(aftermath))
