import { type Ambient, withAmbient } from '../core/context/ambient.ts'
import { type KnownLine, type KnownLineLogger, LEVEL_METHODS, WRITE_KNOWN } from '../core/events/known-line.ts'
import type { LogLevel } from '../errors/error-facts.ts'

/** The logger that an adapter writes to. pino has these methods, other loggers do too. */
export interface ServerLogger {
  debug(fields: object, event: string): void
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
  fatal(fields: object, event: string): void
}

/** Writes one line. Ignores an error of the logger: the client must still get its answer. */
export function writeLine(logger: ServerLogger, level: LogLevel, fields: object, event: string): void {
  try {
    logger[LEVEL_METHODS[level]](fields, event)
  } catch {
    // There is no other place to report it.
  }
}

/** Writes a line of a request. A logger of escudo takes it as text, which costs less than an object. */
export function writeKnownLine(
  logger: ServerLogger,
  level: LogLevel,
  event: string,
  line: KnownLine,
  context: Ambient,
): void {
  try {
    if ((logger as Partial<KnownLineLogger>)[WRITE_KNOWN]?.(level, event, line, context) === true) return
  } catch {
    // The logger may be a proxy. It still gets the object.
  }
  withAmbient(context, () => writeLine(logger, level, line.fields(), event))
}
