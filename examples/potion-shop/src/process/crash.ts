import { crashFields } from './crash-fields.ts'

/** Logs a crash, with pino's methods. Lines must be written synchronously: nothing is flushed at the exit. */
export interface CrashLog {
  fatal(fields: object, event: string): void
  error(fields: object, event: string): void
}

/** Time for requests in flight to finish after a crash. */
export const CRASH_DRAIN_MS = 5_000

/** The code that crashed may throw again until the process exits. */
const LATER_LINES_MAX = 5

/**
 * Handles uncaught exceptions and unhandled rejections. The state of the process is then unknown, so it must exit: this
 * logs one line at `critical` with the stack, then calls `shutDown` once.
 */
export function onCrash(log: CrashLog, shutDown: () => void): void {
  let crashes = 0
  const crashed = (error: unknown, origin: string): void => {
    crashes += 1
    if (crashes === 1) {
      write(() => log.fatal({ ...crashFields(error), origin }, 'process.crash'), error)
      shutDown()
    } else if (crashes <= 1 + LATER_LINES_MAX) {
      write(() => log.error({ ...crashFields(error), origin }, 'process.crash_again'), error)
    }
  }
  process.on('uncaughtException', crashed)
  process.on('unhandledRejection', (reason) => crashed(reason, 'unhandledRejection'))
}

/** A log that throws must not hide the crash or prevent the exit. */
function write(line: () => void, error: unknown): void {
  try {
    line()
  } catch {
    process.stderr.write(`crashed, and logging the crash failed: ${crashFields(error)['error_message']}\n`)
  }
}
