/** Ends a timer. Calling it twice, or after the timer fired, does nothing. */
export interface CancelTimer {
  (): void
  /** Where there is one: says whether the timer, while it waits, may let the process end (`true`) or not. */
  setBackground?(background: boolean): void
}

/**
 * Where time comes from. Every wait of escudo asks the clock of its shield, so that a virtual clock drives all of it.
 */
export interface Clock {
  /** Milliseconds since some fixed instant. Monotonic: it never goes back, and the wall clock does not move it. */
  now(): number
  /**
   * Calls `fire` once, `delayMs` from now. A `background` timer does not keep the process alive.
   *
   * @returns a function that cancels it
   */
  setTimer(fire: () => void, delayMs: number, options?: { readonly background?: boolean }): CancelTimer
}

// A longer delay overflows the 32-bit integer of setTimeout, which then fires at once.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

// Held, since `performance` on the global object is a getter that costs as much as the reading.
const { performance } = globalThis

/** The default clock: `performance.now()` and the runtime's timers. */
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

// Timers are plain numbers in browsers and on some edge runtimes: there, nothing keeps a process alive anyway.
function setBackground(timer: ReturnType<typeof setTimeout>, background: boolean): void {
  if (typeof timer !== 'object') return
  if (background) timer.unref()
  else timer.ref()
}
