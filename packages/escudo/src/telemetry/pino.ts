import pino, { type Logger, type LoggerOptions } from 'pino'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../core/options/durations.ts'
import { knownKeys, nonEmptyText, oneOf, trueOrFalse } from '../core/options/options.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { Destinations } from './destinations.ts'
import { LineFile, type LineSink, StandardOutput } from './line-file.ts'
import { LineFormat } from './lines/line-format.ts'
import { LINE_SETTINGS, type LineSettings } from './lines/line-settings.ts'
import { reportLosses } from './lost-lines.ts'
import { lineHook, withLines } from './pino-lines.ts'

export type { LineSink } from './line-file.ts'
export { LineFile } from './line-file.ts'
export type { LineSettings } from './lines/line-settings.ts'
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
  /**
   * Additional destinations. Each call of `write` gets one complete line with its newline, at once, except that the
   * classes of escudo get lines as the file above does.
   */
  readonly sink?: LineSink | readonly LineSink[]
  /**
   * How long a line waits at most until it is written together with others: at most 500 ms. Default 100 ms. The first
   * line after a pause does not wait, nor does the rest when 64 KiB wait, nor any line in a terminal. Lines that wait are
   * written when the process exits, crashes or gets a signal such as SIGTERM, after a line at `critical`, and by
   * `log.flush()`. Only an end without a chance to write loses them: `kill -9`, `process.abort()`, no memory. With 0,
   * each line is written before the logging call returns, and none is lost.
   */
  readonly flushInterval?: Duration
  /**
   * An existing logger of pino to write through. Its destination, level, bindings, mixin and serializers apply.
   * Default: a new one, with the destinations above.
   */
  readonly pino?: Logger
}

const PATH = 'createLogger'
/** The log's promise: a line is visible within this time. */
const FLUSH_INTERVAL_MS_MAX = 500
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical', 'silent'] as const
const PINO_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' }

/**
 * Makes the logger of a service: pino, with one JSON object per line.
 *
 * Each line carries the trace of its request. Secrets are redacted, at any depth. Lines are written whole, several at
 * a time. A value that cannot be written is replaced by its kind, and the code that logs it gets no error.
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
  const { level, file, stdout, sink, flushInterval, pino: existing } = settings
  const format = new LineFormat(settings, PATH)
  if (existing !== undefined) {
    if ([file, stdout, sink, flushInterval].some((option) => option !== undefined)) {
      throw new ConfigurationError(
        `${PATH}.pino`,
        'has its destination already; remove file, stdout, sink and flushInterval',
      )
    }
    const logger = withLines(existing, format, 'createLogger.pino')
    if (level !== undefined) logger.level = PINO_LEVELS[level] ?? level
    return logger
  }
  const sinks: LineSink[] = []
  if (stdout ?? true) sinks.push(new StandardOutput())
  if (file !== undefined) sinks.push(new LineFile(file))
  if (sink !== undefined) sinks.push(...[sink].flat())
  const { level: name = 'info' } = settings
  const options = { base: null, timestamp: false, messageKey: 'event', level: PINO_LEVELS[name] ?? name }
  const destination = new Destinations(sinks, toMs(flushInterval ?? 100, `${PATH}.flushInterval`))
  const logger = withLines(pino(options, destination), format, 'createLogger')
  for (const target of sinks) reportLosses(target, logger)
  return logger
}

function checkSettings(settings: LoggerSettings): void {
  knownKeys(settings, PATH, [...LINE_SETTINGS, 'level', 'file', 'stdout', 'sink', 'flushInterval', 'pino'])
  const { level = 'info', file, stdout = true, sink, flushInterval = 0 } = settings
  oneOf(level, `${PATH}.level`, LEVELS)
  if (file !== undefined) nonEmptyText(file, `${PATH}.file`)
  trueOrFalse(stdout, `${PATH}.stdout`)
  if (toMs(flushInterval, `${PATH}.flushInterval`) > FLUSH_INTERVAL_MS_MAX) {
    throw new ConfigurationError(`${PATH}.flushInterval`, `expected at most 500 ms, got ${show(flushInterval)}`)
  }
  for (const target of sink === undefined ? [] : [sink].flat()) {
    if (typeof target?.write !== 'function') {
      throw new ConfigurationError(`${PATH}.sink`, `expected an object with write(), got ${show(target)}`)
    }
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
