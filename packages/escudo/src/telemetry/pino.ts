import pino, { type Logger, type LoggerOptions } from 'pino'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys, nonEmptyText, oneOf, trueOrFalse } from '../core/options/options.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { LineFile, type LineSink, StandardOutput } from './line-file.ts'
import { LINE_SETTINGS, LineFormat, type LineSettings } from './lines/line-format.ts'
import { reportLosses } from './lost-lines.ts'
import { lineHook, withLines } from './pino-lines.ts'

export type { LineSink } from './line-file.ts'
export { LineFile } from './line-file.ts'
export type { LineSettings } from './lines/line-format.ts'
export type { LineLogger, PolicyLogOptions } from './policy-log.ts'
export { logPolicyEvents } from './policy-log.ts'
export { logService } from './service-lines.ts'

/** Options of {@link createLogger}. */
export interface LoggerSettings extends LineSettings {
  /** The lowest level that is written. Default `info`. With `pino`, the default is the level of that logger. */
  readonly level?: LogLevel | 'silent'
  /** A file that each line is appended to. A missing folder is created. Default: none. */
  readonly file?: string
  /** Whether lines are written to the standard output. Default true. */
  readonly stdout?: boolean
  /** Additional destinations. Each call of `write` gets one complete line with its newline. */
  readonly sink?: LineSink | readonly LineSink[]
  /**
   * An existing logger of pino to write through. Its destination, level, bindings, mixin and serializers apply.
   * Default: a new one, with the destinations above.
   */
  readonly pino?: Logger
}

const PATH = 'createLogger'
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical', 'silent'] as const
const PINO_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' }

/**
 * Makes the logger of a service: pino, with one JSON object per line.
 *
 * Each line carries the trace of its request. Secrets are redacted, at any depth. Lines are written immediately and
 * completely. A value that cannot be written is replaced by its kind, and the code that logs it gets no error.
 *
 * @throws ConfigurationError for an invalid option, for a path of `redact` that cannot be parsed, and for a `pino` that is
 * given together with a destination; the system's error if the file cannot be opened
 * @example
 * ```ts
 * import { createLogger } from 'escudo/pino'
 *
 * const log = createLogger({ service: 'potion-shop', redact: ['card.number'] })
 * log.info({ user_id: 'bob', card: { number: '4111' } }, 'order_paid')
 * // {"timestamp":"…","log_level":"info","event":"order_paid","service":"potion-shop","user_id":"bob",
 * //  "card":{"number":"[redacted]"}}
 * ```
 */
export function createLogger(settings: LoggerSettings): Logger {
  checkSettings(settings)
  const { level, file, stdout, sink, pino: existing } = settings
  const format = new LineFormat(settings, PATH)
  if (existing !== undefined) {
    if (file !== undefined || stdout !== undefined || sink !== undefined) {
      throw new ConfigurationError(`${PATH}.pino`, 'has its destination already; remove file, stdout and sink')
    }
    const logger = withLines(existing, format, 'createLogger.pino')
    if (level !== undefined) logger.level = PINO_LEVELS[level] ?? level
    return logger
  }
  const sinks: LineSink[] = []
  if (stdout ?? true) sinks.push(new StandardOutput())
  if (file !== undefined) sinks.push(new LineFile(file))
  if (sink !== undefined) sinks.push(...[sink].flat())
  const write = (line: string): void => {
    for (const target of sinks) writeTo(target, line)
  }
  const { level: name = 'info' } = settings
  const options = { base: null, timestamp: false, messageKey: 'event', level: PINO_LEVELS[name] ?? name }
  const logger = withLines(pino(options, { write }), format, 'createLogger')
  for (const target of sinks) reportLosses(target, logger)
  return logger
}

function checkSettings(settings: LoggerSettings): void {
  knownKeys(settings, PATH, [...LINE_SETTINGS, 'level', 'file', 'stdout', 'sink', 'pino'])
  const { level = 'info', file, stdout = true, sink } = settings
  oneOf(level, `${PATH}.level`, LEVELS)
  if (file !== undefined) nonEmptyText(file, `${PATH}.file`)
  trueOrFalse(stdout, `${PATH}.stdout`)
  for (const target of sink === undefined ? [] : [sink].flat()) {
    if (typeof target?.write !== 'function') {
      throw new ConfigurationError(`${PATH}.sink`, `expected an object with write(), got ${show(target)}`)
    }
  }
}

/** A custom destination must not break the code that logs, nor the destinations after it. */
function writeTo(sink: LineSink, line: string): void {
  try {
    sink.write(line)
  } catch {
    // There is no other place to report it.
  }
}

/**
 * Returns the options that make a new pino logger write escudo's lines.
 *
 * Other options of pino can be added, except `hooks.logMethod`. For an existing logger, use the option `pino` of
 * {@link createLogger}.
 *
 * @param settings the service, or its name
 * @param redact additional paths to redact
 * @throws ConfigurationError for an invalid option, and for a path that cannot be parsed
 * @example
 * ```ts
 * import { lineFormat } from 'escudo/pino'
 * import pino from 'pino'
 *
 * const log = pino({ ...lineFormat('potion-shop', ['card.number']), level: 'info' })
 * log.warn({ card: { number: '4111' } }, 'card_refused')
 * ```
 */
export function lineFormat(settings: string | LineSettings, redact: readonly string[] = []): LoggerOptions {
  if (typeof settings === 'object') knownKeys(settings, 'lineFormat', LINE_SETTINGS)
  const format = new LineFormat(typeof settings === 'object' ? settings : { service: settings, redact }, 'lineFormat')
  return {
    base: null,
    messageKey: 'event',
    hooks: { logMethod: lineHook(format) },
  }
}
