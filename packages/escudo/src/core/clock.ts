/** Cancels a timer. A second call, or a call after the timer fired, does nothing. */
export interface CancelTimer {
  (): void
  /** Sets whether the process may end while the timer waits. Optional: a clock may omit it. */
  setBackground?(background: boolean): void
}

/**
 * The source of time of a shield.
 *
 * Every wait uses the clock of its shield, so a virtual clock drives all of them.
 */
export interface Clock {
  /**
   * Milliseconds since a fixed instant. Monotonic: it never goes back, and changes of the wall clock do not affect it.
   */
  now(): number
  /**
   * Calls `fire` once, `delayMs` milliseconds from now.
   *
   * @param options.background whether the process may end while the timer waits; default false
   * @returns a function that cancels the timer
   */
  setTimer(fire: () => void, delayMs: number, options?: { readonly background?: boolean }): CancelTimer
}

// A longer delay overflows the 32-bit integer of setTimeout, which then fires immediately. Such a wait is split into
// steps.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

// Stored, because `performance` on the global object is a getter that costs as much as reading the time.
const { performance } = globalThis

/** The default clock: `performance.now()` and the runtime's timers. Delays above 2^31 - 1 ms work too. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(fire, delayMs, options) {
    let background = options?.background === true
    let timer: ReturnType<typeof setTimeout>
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, LONGEST_TIMEOUT_MS)
      timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fire()), stepMs)
      if (background) setBackground(timer, true)
    }
    arm(delayMs)
    const cancel: CancelTimer = () => clearTimeout(timer)
    cancel.setBackground = (value) => {
      background = value
      setBackground(timer, value)
    }
    return cancel
  },
}

// In browsers and on some edge runtimes timers are plain numbers. They keep no process alive there.
function setBackground(timer: ReturnType<typeof setTimeout>, background: boolean): void {
  if (typeof timer !== 'object') return
  if (background) timer.unref()
  else timer.ref()
}
