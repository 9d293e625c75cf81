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
  readonly pendingTimers: number
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
const OUTAGE_EVERY_MS = 5_000

const [calls = 0, seed = 0] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const clock = virtualClock()
const listeners = new ListenerCount()
listeners.install()

const breaker = circuitBreaker({
  trip: failureRate({ threshold: 0.5, window: '1s', minimumCalls: 20 }),
  openFor: '500ms',
  halfOpen: { probes: 3, closeAt: 0.5, lease: '1s' },
})
const five = shield(
  { name: 'storm', clock, random: seededRandom(seed + 1) },
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

function sharedCallersGiveUp(): void {
  const place = Math.floor(random() * SHARED_CALLERS)
  const caller = shared[place] as Caller
  caller.abort(clock.now())
  shared[place] = newCaller()
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
  const mood: Mood = { clock, random, failures, attemptMs: LIMITS.attemptMs, wrong: (what) => count(`wrong: ${what}`) }
  for (let one = 0; one < batch; one += 1) callOnce(mood)
  if (random() < 0.02) sharedCallersGiveUp()
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
const pendingTimers = clock.pending
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
  listenersAdded: listeners.added,
  listenersRemoved: listeners.removed,
  signalsHeard,
  unhandledRejections,
  heapBytesEarly,
  heapBytesLate,
  rested: { value: more.every((one) => one === value) ? value : more, state: breaker.state },
}
console.log(JSON.stringify(aftermath))
