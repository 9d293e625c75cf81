/** Something that holds lines until it is flushed. */
export interface Flushable {
  /** @param isLast false if the process goes on, because other code handles the signal */
  flush(isLast: boolean): void
}

type SignalListener = (name: unknown, code?: unknown) => void

// The signals that end a process without a handler. Where the system does not know one, it has no handler.
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'] as const

const LISTENERS: ReadonlyMap<NodeJS.Signals, SignalListener> = new Map(
  SIGNALS.map((signal) => [signal, (_name, code) => onSignal(signal, code)]),
)

const waiting = new Set<Flushable>()
let isWatchingExit = false
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

/**
 * Flushes `target` also if a signal ends the process.
 *
 * The listeners stay when nothing waits any more: Node drops a signal that arrives just before the last listener is
 * removed, and the process would survive it.
 */
export function flushAtEnd(target: Flushable): void {
  if (waiting.size === 0) for (const signal of SIGNALS) watch(signal)
  waiting.add(target)
}

/** Ends {@link flushAtEnd}. */
export function flushNoLongerAtEnd(target: Flushable): void {
  waiting.delete(target)
}

function watch(signal: NodeJS.Signals): void {
  const listener = LISTENERS.get(signal) as SignalListener
  // A program may have removed all listeners of the signal.
  if (process.listeners(signal).includes(listener)) return
  try {
    process.prependListener(signal, listener)
  } catch {
    // Not a signal of this system.
  }
}

/**
 * Flushes, and lets the signal do what it would do without this listener.
 *
 * It runs before other listeners and removes itself, because some of them end the process only if they are the last.
 *
 * @param code the number of the signal. Without it, the program has emitted the event itself, which ends no process
 */
function onSignal(signal: NodeJS.Signals, code: unknown): void {
  const isAlone = process.listenerCount(signal) === 1
  // The system ignores signals without a listener for the first process of a container.
  const isLast = isAlone && typeof code === 'number' && process.pid !== 1
  flushAll(isLast)
  if (isAlone && !isLast) return
  process.off(signal, LISTENERS.get(signal) as SignalListener)
  if (isLast) {
    process.kill(process.pid, signal)
    return
  }
  // Until it listens again, a further signal can end the process.
  isHandlingSignal = true
  process.nextTick(() => {
    isHandlingSignal = false
    watch(signal)
  })
}

function flushAll(isLast: boolean): void {
  for (const target of waiting) target.flush(isLast)
}
