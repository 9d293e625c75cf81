import pino, { type Logger, type LoggerOptions } from 'pino'
import { ambient } from '../core/context/ambient.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { toJson, truncate } from '../errors/to-json.ts'
import { LineFile, type LineSink, StandardOutput } from './line-file.ts'
import { policyLine } from './policy-lines.ts'
import { subscribe } from './subscribe.ts'

export type { LineSink } from './line-file.ts'
export { LineFile } from './line-file.ts'

/** Options of {@link createLogger}. */
export interface LoggerSettings {
  /** The name of the service, on each line. */
  readonly service: string
  /** The lowest level that is written. Default `debug`, at which escudo itself tells of aborted requests. */
  readonly level?: LogLevel | 'silent'
  /** Each line is appended to this file too. Its folder is made where it is missing. */
  readonly file?: string
  /** Whether lines go to the standard output. Default true. */
  readonly stdout?: boolean
  /** Further paths to redact, in pino's notation, beside the names of secrets that always are. */
  readonly redact?: readonly string[]
  /** Where lines go as well; each call brings one whole line with its newline. */
  readonly sink?: LineSink
}

/** The names under which secrets are found in what is logged, up to two objects deep. */
const SECRETS: readonly string[] = [
  'authorization',
  'Authorization',
  'cookie',
  'Cookie',
  'set-cookie',
  'password',
  'token',
  'x-token',
]

const WORDS: Readonly<Record<string, LogLevel>> = { warn: 'warning', fatal: 'critical', trace: 'debug' }
const PINO_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' }

/**
 * Makes the logger of a service: pino, with one JSON object a line in escudo's form. Each line carries the trace of the
 * request that it belongs to. Lines are written at once and whole; what cannot be written, or cannot be shown as JSON,
 * never breaks the code that logs.
 *
 * @throws TypeError without a service; the system's error when the file cannot be opened
 * @example
 * ```ts
 * import { createLogger } from 'escudo/pino'
 *
 * const log = createLogger({ service: 'potion-shop', level: 'info' })
 * log.info({ user_id: 'bob' }, 'user_lookup_started')
 * // {"log_level":"info","timestamp":"…","service":"potion-shop","user_id":"bob","event":"user_lookup_started"}
 * ```
 */
export function createLogger(settings: LoggerSettings): Logger {
  const { service, level = 'debug', file, stdout = true, redact = [], sink } = settings
  if (typeof service !== 'string' || service === '') throw new TypeError('createLogger.service: expected a name')
  const sinks: LineSink[] = []
  if (stdout) sinks.push(new StandardOutput())
  if (file !== undefined) sinks.push(new LineFile(file))
  if (sink !== undefined) sinks.push(sink)
  const write = (line: string): void => {
    for (const target of sinks) target.write(line)
  }
  return pino({ ...lineFormat(service, redact), level: PINO_LEVELS[level] ?? level }, { write })
}

/**
 * The options by which a pino logger of your own writes escudo's lines: `pino({ ...lineFormat('potion-shop') })`.
 *
 * @param redact further paths, in pino's notation
 * @example
 * ```ts
 * import { lineFormat } from 'escudo/pino'
 * import pino from 'pino'
 *
 * const log = pino({ ...lineFormat('potion-shop', ['card.number']), level: 'info' })
 * log.warn({ card: { number: '4111' } }, 'card_refused')
 * ```
 */
export function lineFormat(service: string, redact: readonly string[] = []): LoggerOptions {
  return {
    base: { service },
    messageKey: 'event',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ log_level: WORDS[label] ?? label }) },
    mixin: fieldsOfRequest,
    redact: { paths: [...SECRETS.flatMap(pathsTo), ...redact], censor: '[redacted]' },
    hooks: { logMethod: guarded },
  }
}

/**
 * Writes a line for every event of every shield: `circuit_breaker.state_change`, `retry.attempt`, `bulkhead.rejected`
 * and the rest.
 *
 * @returns ends it
 * @example
 * ```ts
 * import { createLogger, logPolicyEvents } from 'escudo/pino'
 *
 * const stop = logPolicyEvents(createLogger({ service: 'potion-shop' }))
 * stop()
 * ```
 */
export function logPolicyEvents(logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>): () => void {
  const write = {
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    warning: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    critical: logger.fatal.bind(logger),
  }
  return subscribe((shieldEvent) => {
    const { level, event, fields } = policyLine(shieldEvent)
    write[level](fields, event)
  })
}

function fieldsOfRequest(): object {
  const context = ambient()
  if (context === undefined) return {}
  return { trace_id: context.traceId, span_id: context.spanId, ...context.bindings }
}

function pathsTo(name: string): string[] {
  const key = /^[A-Za-z_]\w*$/.test(name) ? name : undefined
  return key === undefined ? [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`] : [key, `*.${key}`, `*.*.${key}`]
}

/** A value that cannot be shown (a getter that throws, a proxy) costs its own line some detail, and nothing else. */
const guarded: NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']> = function (
  this: Logger,
  args,
  method,
): void {
  try {
    method.apply(this, args)
  } catch {
    const [first, second] = args as readonly unknown[]
    const text = typeof second === 'string' ? second : typeof first === 'string' ? first : 'unloggable'
    try {
      method.apply(this, [{ unloggable: toJson(first) }, truncate(text, 1_024)] as unknown as typeof args)
    } catch {
      // Nothing that is logged may break the code that logs it.
    }
  }
}
