import type { LogLevel } from '../errors/error-facts.ts'

/** The logger that an adapter writes to. pino has these methods, other loggers do too. */
export interface ServerLogger {
  debug(fields: object, event: string): void
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
  fatal(fields: object, event: string): void
}

const METHODS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const

/** Writes one line. Ignores an error of the logger: the client must still get its answer. */
export function writeLine(logger: ServerLogger, level: LogLevel, fields: object, event: string): void {
  try {
    logger[METHODS[level]](fields, event)
  } catch {
    // There is no other place to report it.
  }
}
