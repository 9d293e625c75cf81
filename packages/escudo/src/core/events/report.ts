import { isThenable } from '../../errors/options/synchronous.ts'

/**
 * Receives one kind of event.
 *
 * If it throws or rejects, a warning with the code `ESCUDO_LISTENER` is printed, once per listener. Calls and other
 * listeners are not affected.
 */
export type Listener<Event> = (event: Event) => unknown

/** Calls a listener. An error in it is reported once and affects neither its caller nor other listeners. */
export function notify<Event>(listener: Listener<Event>, event: Event): void {
  try {
    const result = listener(event)
    if (isThenable(result)) result.then(undefined, (error) => reportOnce(listener, error))
  } catch (error) {
    reportOnce(listener, error)
  }
}

const reported = new WeakSet<object>()

/**
 * Prints a warning that user code threw where no caller could receive the error. Once per `thrower`.
 *
 * @param thrower the object that identifies the user code, such as the listener
 * @param what names the user code in the message
 */
export function reportOnce(thrower: object, error: unknown, what = 'a listener'): void {
  if (reported.has(thrower)) return
  reported.add(thrower)
  warn(`${what} threw (reported once): ${describe(error)}`, 'ESCUDO_LISTENER')
}

/** Prints a warning for the developer: with `process.emitWarning`, or on the console if the runtime has none. */
export function warn(message: string, code: string): void {
  const host = globalThis as {
    process?: { emitWarning?: (text: string, options: { type: string; code: string }) => void }
  }
  if (typeof host.process?.emitWarning === 'function')
    host.process.emitWarning(message, { type: 'EscudoWarning', code })
  else console.error(`${code}: ${message}`)
}

/** Formats any thrown value as text. Never throws. */
export function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return 'something that cannot be shown'
  }
}
