import { crashFields } from './crash-fields.ts'

/** Where a crash is told: pino's methods. Its lines are written at once, so that there is nothing left to flush. */
export interface CrashLog {
  fatal(fields: object, event: string): void
  error(fields: object, event: string): void
}

/** How long requests in flight have to finish once the process has crashed. */
export const CRASH_DRAIN_MS = 5_000

/** Whatever threw may throw again and again until the process has gone; so many lines of that will do. */
const LATER_LINES_MAX = 5

/**
 * What the process does when something is thrown, or rejected, that nobody catches. Nobody knows any more what state it
 * is in, so it ends, in order: one line at `critical` with the stack, then `end`, which is called once.
 */
export function onCrash(log: CrashLog, end: () => void): void {
  let crashes = 0
  const crashed = (error: unknown, origin: string): void => {
    crashes += 1
    if (crashes === 1) {
      write(() => log.fatal({ ...crashFields(error), origin }, 'process.crash'), error)
      end()
    } else if (crashes <= 1 + LATER_LINES_MAX) {
      write(() => log.error({ ...crashFields(error), origin }, 'process.crash_again'), error)
    }
  }
  process.on('uncaughtException', crashed)
  process.on('unhandledRejection', (reason) => crashed(reason, 'unhandledRejection'))
}

/** A log that throws must not hide why the process ends, nor keep it from ending. */
function write(line: () => void, error: unknown): void {
  try {
    line()
  } catch {
    process.stderr.write(`crashed, and the log failed: ${crashFields(error)['error_message']}\n`)
  }
}
