import { setImmediate } from 'node:timers'

/** Something that holds lines until it is flushed. */
export interface Flushable {
  /** @param isLast false if the process goes on, because other code handles the signal */
  flush(isLast: boolean): void
}

// The signals that end a process without a handler. Where the system does not know one, it has no handler.
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'] as const

const waiting = new Set<Flushable>()
let isWatchingExit = false
let isWatchingSignals = false
let isStopping = false
let hasEnded = false
let isHandlingSignal = false

/** Whether the process may end before a timer runs, so that every line must be written at once. */
export function isEnding(): boolean {
  return hasEnded || isHandlingSignal
}

/** Flushes at the exit of the process: a normal one, `process.exit()`, an uncaught error or an unhandled rejection. */
export function watchExit(): void {
  if (isWatchingExit) return
  isWatchingExit = true
  process.prependListener('exit', () => {
    hasEnded = true
    flushAll(true)
  })
}

/** Flushes `target` also if a signal ends the process. */
export function flushAtEnd(target: Flushable): void {
  waiting.add(target)
  if (isWatchingSignals) return
  isWatchingSignals = true
  for (const signal of SIGNALS) watch(signal)
}

/** Ends {@link flushAtEnd}. Without a target, the signals end the process as if there were no logger. */
export function flushNoLongerAtEnd(target: Flushable): void {
  if (!waiting.delete(target) || waiting.size > 0 || isStopping) return
  isStopping = true
  setImmediate(stopAfter, performance.now(), false)
}

/** The longest turn of the event loop after which the listeners are removed. */
const TURN_MS_MAX = 1

/**
 * Removes the listeners after a short turn of the event loop.
 *
 * Node drops a signal that arrived after the last poll if its listener is removed before the next one. The process would
 * survive a SIGTERM that came while a request blocked the event loop.
 *
 * @param startMs when this turn began
 * @param isTurn whether a whole turn is over: the first call comes in the middle of one
 */
function stopAfter(startMs: number, isTurn: boolean): void {
  const nowMs = performance.now()
  if (waiting.size > 0) {
    isStopping = false
    return
  }
  if (!isTurn || nowMs - startMs > TURN_MS_MAX) {
    setImmediate(stopAfter, nowMs, true)
    return
  }
  isStopping = false
  isWatchingSignals = false
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function watch(signal: NodeJS.Signals): void {
  try {
    process.prependListener(signal, onSignal)
  } catch {
    // Not a signal of this system.
  }
}

/**
 * Flushes, and lets the signal do what it would do without this listener.
 *
 * It runs before other listeners and removes itself, because some of them end the process only if they are the last.
 */
function onSignal(signal: NodeJS.Signals): void {
  const isLast = process.listenerCount(signal) === 1
  flushAll(isLast)
  process.off(signal, onSignal)
  if (process.listenerCount(signal) === 0) {
    process.kill(process.pid, signal)
    return
  }
  // Until it listens again, a further signal can end the process.
  isHandlingSignal = true
  process.nextTick(() => {
    isHandlingSignal = false
    if (isWatchingSignals) watch(signal)
  })
}

function flushAll(isLast: boolean): void {
  for (const target of waiting) target.flush(isLast)
}
