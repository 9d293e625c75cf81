import { withAmbient } from './context/ambient.ts'
import { allAreOwn, type FakeTime, fakeTime, onSwitch, ownTimers, reachDue, systemNow } from './system-time.ts'

// A longer delay overflows the 32-bit integer of setTimeout, which then fires immediately. Such a wait is split into
// steps.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The timers that fake functions have set. They are lost when these functions are replaced. */
const fakeTimers = new Set<SystemTimer>()

onSwitch(() => {
  if (fakeTimers.size === 0) return
  const lost = [...fakeTimers]
  fakeTimers.clear()
  const now = systemNow()
  // Outside the request whose call noticed the switch.
  withAmbient(undefined, () => {
    for (const timer of lost) timer.setAgain(now)
  })
})

/** Sets a timer with the functions in force. */
export function setSystemTimer(fire: () => void, delayMs: number, background: boolean): () => void {
  const timer = new SystemTimer(fire, background)
  timer.set(delayMs)
  return () => timer.cancel()
}

/** Sets a timer with the runtime's own functions. While only fake ones have been seen, with those. */
export function setOwnTimer(fire: () => void, delayMs: number, background: boolean): () => void {
  const own = ownTimers()
  if (own === undefined) return setSystemTimer(fire, delayMs, background)
  const timer = new SystemTimer(fire, background)
  timer.setWith(own.set, own.clear, delayMs)
  return () => timer.cancel()
}

type Handle = ReturnType<typeof setTimeout>

class SystemTimer {
  // Declared here and assigned in the constructor: a call with a deadline creates one.
  declare private readonly fire: () => void
  declare private readonly background: boolean
  declare private handle: Handle | undefined
  /** Of the functions that set the timer: those in force when it is cancelled may be others. */
  declare private clear: typeof clearTimeout | undefined
  declare private dueMs: number
  declare private fake: FakeTime | undefined

  constructor(fire: () => void, background: boolean) {
    this.fire = fire
    this.background = background
    this.handle = undefined
    this.clear = undefined
    this.dueMs = 0
    this.fake = undefined
  }

  /** Starts to wait, with the functions in force. */
  set(delayMs: number): void {
    this.fake = allAreOwn() ? undefined : fakeTime()
    if (this.fake !== undefined) {
      this.dueMs = systemNow() + (delayMs > 0 ? delayMs : 0)
      fakeTimers.add(this)
    }
    this.setWith(setTimeout, clearTimeout, delayMs)
  }

  setWith(set: typeof setTimeout, clear: typeof clearTimeout, delayMs: number): void {
    const stepMs = Math.min(delayMs, LONGEST_TIMEOUT_MS)
    let handle: Handle | undefined
    handle = set(() => {
      // Set again with other functions: the earlier timer does not count.
      if (this.handle !== handle) return
      if (delayMs > stepMs) this.setWith(set, clear, delayMs - stepMs)
      else this.elapsed()
    }, stepMs)
    this.clear = clear
    this.handle = handle
    if (this.background) setBackground(handle, true)
  }

  /** Waits for the rest with the functions that are in force now. */
  setAgain(now: number): void {
    this.set(Math.max(0, this.dueMs - now))
  }

  cancel(): void {
    const { handle, clear } = this
    if (handle === undefined) return
    if (this.fake !== undefined) fakeTimers.delete(this)
    // Node keeps a list for each duration of an unreferenced timer, also after the timer was cancelled.
    if (this.background) setBackground(handle, false)
    // A plain call: runtimes with web standards refuse one with another `this`.
    clear?.(handle)
    this.handle = undefined
  }

  private elapsed(): void {
    this.handle = undefined
    if (this.fake !== undefined) {
      fakeTimers.delete(this)
      reachDue(this.dueMs, this.fake)
    }
    this.fire()
  }
}

// In browsers and on some edge runtimes timers are plain numbers. They keep no process alive there.
function setBackground(timer: Handle, background: boolean): void {
  if (typeof timer !== 'object') return
  if (background) timer.unref()
  else timer.ref()
}
