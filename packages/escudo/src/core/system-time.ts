// The time and the timers of the runtime, which tools for tests replace while a program runs.
//
// node:test, Vitest, Jest and sinon put other functions in the place of `setTimeout`, `performance` and `Date`, before
// or after this module is loaded, and restore them later. So the functions are looked up at each use, and the instants
// before, during and after a replacement are made one timeline:
//
// - When the functions are replaced, time continues at the instant that it had reached.
// - When the runtime's own functions are restored, time continues at the instant that the fake time had reached, or at
//   that of the runtime if it is later. So time never goes back, and no circuit stays open longer than it should.

type SetTimeout = typeof globalThis.setTimeout
type ClearTimeout = typeof globalThis.clearTimeout
type Performance = typeof globalThis.performance

/** The functions that are in force at one moment. */
interface TimeFunctions {
  readonly setTimeout: SetTimeout
  readonly clearTimeout: ClearTimeout
  /** Undefined on a runtime without it, or where a test removed it. */
  readonly performance: Performance | undefined
  readonly performanceNow: (() => number) | undefined
  readonly date: DateConstructor
}

/** Functions of a tool for tests, and how their time continues the timeline. */
export interface FakeTime {
  readonly functions: TimeFunctions
  readonly read: () => number
  offsetMs: number
}

// The runtime's own functions. Undefined while only fake ones have been seen: the library was loaded after a tool
// replaced them.
let ownSetTimeout: SetTimeout | undefined
let ownClearTimeout: ClearTimeout | undefined
let ownPerformance: Performance | undefined
let ownPerformanceNow: (() => number) | undefined

/** The runtime's own `setTimeout` while no function is replaced, otherwise undefined. One comparison checks both. */
let setTimeoutInForce: SetTimeout | undefined
let fake: FakeTime | undefined
/** The latest instant under fake functions. */
let latestMs = 0
/** By how much fake time was ahead of the runtime when the runtime's functions were restored. */
let leadMs = 0

const switchListeners: (() => void)[] = []

learn(functionsInForce())
setTimeoutInForce = areOwn(functionsInForce()) ? ownSetTimeout : undefined

/**
 * Milliseconds on the timeline. Never goes back.
 *
 * Tools replace `setTimeout`, or `now` of the runtime's `performance`: comparing these is free. The global `performance`
 * is a getter, which would make a call up to a tenth slower. If that object alone is replaced, this is noticed when the
 * next timer is set or the next shield is built.
 */
export function systemNow(): number {
  return setTimeout === setTimeoutInForce && (ownPerformance as Performance).now === ownPerformanceNow
    ? (ownPerformance as Performance).now() + leadMs
    : fakeNow()
}

/** Whether all functions were the runtime's own at the last call of {@link systemNow}. */
export function timersAreOwn(): boolean {
  return setTimeoutInForce !== undefined
}

/** Whether all functions are the runtime's own now. Reads the getter, see {@link systemNow}. */
export function allAreOwn(): boolean {
  return setTimeout === setTimeoutInForce && performance === ownPerformance
}

/** The runtime's own timers, whatever is in force; undefined as long as only fake ones have been seen. */
export function ownTimers(): { readonly set: SetTimeout; readonly clear: ClearTimeout } | undefined {
  if (ownSetTimeout === undefined || ownClearTimeout === undefined) return undefined
  return { set: ownSetTimeout, clear: ownClearTimeout }
}

/** Milliseconds by the runtime's own functions, also while they are replaced. */
export function ownNow(): number {
  return ownPerformanceNow === undefined ? 0 : ownPerformanceNow.call(ownPerformance) + leadMs
}

/** Returns the fake functions in force; undefined if they are the runtime's own. */
export function fakeTime(): FakeTime | undefined {
  const functions = functionsInForce()
  learn(functions)
  if (areOwn(functions)) {
    if (setTimeoutInForce === undefined) restore()
  } else if (fake === undefined || !areSame(fake.functions, functions)) replace(functions)
  return fake
}

/**
 * Moves fake time on to `dueMs`, if it has not reached it: a timer that was due then has fired.
 *
 * Where `setTimeout` alone is replaced, elapsed time is real, and fake timers fire long before it has passed. Tools also
 * drop fractions of a millisecond. Without this, a policy would find its wait unfinished, and wait again without end.
 */
export function reachDue(dueMs: number, of: FakeTime): void {
  if (of !== fakeTime()) return
  const now = fakeNow()
  if (now >= dueMs) return
  // A whole number, so that sums and differences of instants are exact.
  latestMs = Math.ceil(dueMs)
  if (latestMs - now >= 1) of.offsetMs += latestMs - now
}

/** Adds a listener for the moment at which a replacement, or its end, is noticed. */
export function onSwitch(listener: () => void): void {
  switchListeners.push(listener)
}

function fakeNow(): number {
  const source = fakeTime()
  if (source === undefined) return ownNow()
  const nowMs = source.read() + source.offsetMs
  // The fake clock was set back: time continues from where it was.
  if (nowMs < latestMs - 1) source.offsetMs += latestMs - nowMs
  if (nowMs > latestMs) latestMs = nowMs
  return latestMs
}

function replace(functions: TimeFunctions): void {
  // A whole number: see reachDue.
  if (fake === undefined) latestMs = Math.max(latestMs, Math.ceil(ownNow()))
  const read = readerOf(functions)
  fake = { functions, read, offsetMs: latestMs - read() }
  setTimeoutInForce = undefined
  for (const listener of switchListeners) listener()
}

function restore(): void {
  fake = undefined
  setTimeoutInForce = ownSetTimeout
  leadMs += Math.max(0, latestMs - ownNow())
  for (const listener of switchListeners) listener()
}

/** What elapsed time follows: a fake `performance`; a fake `Date` together with a fake `setTimeout`; else real time. */
function readerOf(functions: TimeFunctions): () => number {
  const { performance, performanceNow, date } = functions
  if (typeof performanceNow !== 'function') return () => date.now()
  if (performance !== ownPerformance || performanceNow !== ownPerformanceNow) {
    return () => performanceNow.call(performance)
  }
  if (functions.setTimeout !== ownSetTimeout && !isOwnDate(date)) return () => date.now()
  return () => Math.floor(performanceNow.call(performance))
}

function functionsInForce(): TimeFunctions {
  const { setTimeout, clearTimeout, performance, Date: date } = globalThis
  return { setTimeout, clearTimeout, performance, performanceNow: performance?.now, date }
}

/** Stores the functions that no tool has replaced. */
function learn({ setTimeout, clearTimeout, performance, performanceNow }: TimeFunctions): void {
  if (ownSetTimeout === undefined && !isFakeFunction(setTimeout)) {
    ownSetTimeout = setTimeout
    ownClearTimeout = clearTimeout
  }
  if (ownPerformanceNow === undefined && isOwnPerformance(performance)) {
    ownPerformance = performance
    ownPerformanceNow = performanceNow
  }
}

function areOwn({ setTimeout, performance, performanceNow }: TimeFunctions): boolean {
  return setTimeout === ownSetTimeout && performance === ownPerformance && performanceNow === ownPerformanceNow
}

function areSame(one: TimeFunctions, other: TimeFunctions): boolean {
  return (
    one.setTimeout === other.setTimeout &&
    one.performance === other.performance &&
    one.performanceNow === other.performanceNow &&
    one.date === other.date
  )
}

/**
 * Whether a tool for tests made a function, as far as a program can tell.
 *
 * sinon, on which Vitest and Jest build, puts its clock on each function. node:test binds a method. Mock functions of
 * Vitest and Jest have a mark.
 */
export function isFakeFunction(fn: SetTimeout | typeof setImmediate): boolean {
  return Object.hasOwn(fn, 'clock') || fn.name.startsWith('bound ') || '_isMockFunction' in fn
}

/** False for the object that sinon puts in the place of `performance`, and for a `now` on the object itself. */
function isOwnPerformance(performance: Performance | undefined): boolean {
  return (
    performance !== undefined &&
    Object.prototype.toString.call(performance) === '[object Performance]' &&
    !Object.hasOwn(performance, 'now')
  )
}

/** The runtime's own constructor is native and has its name. Tools use a class, a function or a proxy. */
function isOwnDate(date: DateConstructor): boolean {
  return /^function Date\(\)\s*\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(date))
}
