import { ownNow, systemNow, timersAreOwn } from './system-time.ts'
import { setOwnTimer, setSystemTimer } from './system-timers.ts'

/** Cancels a timer. A second call, or a call after the timer fired, does nothing. */
export type CancelTimer = () => void

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

/**
 * The default clock: `performance.now()` and the runtime's timers. Delays above 2^31 - 1 ms work too.
 *
 * It follows fake timers (node:test, Vitest, Jest, sinon), installed before or after the library is loaded: waits follow
 * a fake `setTimeout`; elapsed time follows a fake `performance`, or else a fake `Date` together with a fake
 * `setTimeout`. Time never goes back, also not when the fake timers are removed: it continues at the later of the two
 * times. For tests prefer `virtualClock` of `escudo/testing`.
 */
export const systemClock: Clock = {
  now: systemNow,
  setTimer: (fire, delayMs, options) => setSystemTimer(fire, delayMs, options?.background === true),
}

/** The system clock without any fake timers. A timer that serves many calls is set here, so that it outlives a test. */
export const ownClock: Clock = {
  now: ownNow,
  setTimer: (fire, delayMs, options) => setOwnTimer(fire, delayMs, options?.background === true),
}

/**
 * Whether one timer may serve several calls on this clock.
 *
 * Not on the system clock while timers are faked: a tool for tests drops its timers without notice. And not on a runtime
 * whose timers belong to the request that set them (workerd): such a timer ends with its request. Requires that `now()`
 * has just been called.
 */
export function sharesTimers(clock: Clock): boolean {
  return clock !== systemClock || (RUNTIME_SHARES_TIMERS && timersAreOwn())
}

// Node, Bun and Deno say so in `process.versions`. workerd may imitate that, but names itself. Any other runtime may
// bind timers to a request, and a browser has too few calls to need a shared timer.
export const RUNTIME_SHARES_TIMERS: boolean = runtimeSharesTimers()

function runtimeSharesTimers(): boolean {
  const host = globalThis as {
    process?: { versions?: { node?: unknown } }
    navigator?: { userAgent?: unknown }
  }
  return typeof host.process?.versions?.node === 'string' && host.navigator?.userAgent !== 'Cloudflare-Workers'
}
