import pino, { type Logger, type LoggerOptions } from 'pino'
import { ambient } from '../core/context/ambient.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys, nonEmptyText, oneOf, trueOrFalse } from '../core/options/options.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { toJson, truncate } from '../errors/to-json.ts'
import { LineFile, type LineSink, StandardOutput } from './line-file.ts'
import { policyLine } from './policy-lines.ts'
import { subscribe } from './subscribe.ts'

export type { LineSink } from './line-file.ts'
export { LineFile } from './line-file.ts'

/** Options of {@link createLogger}. */
export interface LoggerSettings {
  /** The name of the service. Each line carries it. */
  readonly service: string
  /** The lowest level that is written. Default `debug`, which includes escudo's lines about aborted requests. */
  readonly level?: LogLevel | 'silent'
  /** A file that each line is appended to. A missing folder is created. Default: none. */
  readonly file?: string
  /** Whether lines are written to the standard output. Default true. */
  readonly stdout?: boolean
  /** Additional paths to redact, in pino's notation. Well-known names of secrets are always redacted. */
  readonly redact?: readonly string[]
  /** An additional destination. Each call of `write` gets one complete line with its newline. */
  readonly sink?: LineSink
}

/** Names of fields that are always redacted, up to two objects deep. */
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

const LEVELS = ['debug', 'info', 'warning', 'error', 'critical', 'silent'] as const
const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = { warn: 'warning', fatal: 'critical', trace: 'debug' }
const PINO_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' }

/**
 * Makes the logger of a service: pino, with one JSON object per line.
 *
 * Each line carries the trace of its request. Lines are written immediately and completely. If a line cannot be written
 * or converted to JSON, the code that logs it gets no error.
 *
 * @throws ConfigurationError for an invalid option; the system's error if the file cannot be opened
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
  checkSettings(settings)
  const { service, level = 'debug', file, stdout = true, redact = [], sink } = settings
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
 * Returns the options that make a custom pino logger write escudo's lines.
 *
 * @param redact additional paths to redact, in pino's notation
 * @throws ConfigurationError for an invalid argument
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
  checkLineOptions(service, redact, 'lineFormat')
  return {
    base: { service },
    messageKey: 'event',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ log_level: LEVEL_NAMES[label] ?? label }) },
    mixin: ambientFields,
    redact: { paths: [...SECRETS.flatMap(pathsTo), ...redact], censor: '[redacted]' },
    hooks: { logMethod: logWithoutThrowing },
  }
}

/**
 * Logs the events of every shield: `circuit_breaker.state_change`, `retry.attempt`, `bulkhead.rejected` and others.
 *
 * `executed` is not logged, because it happens on every call.
 *
 * @returns a function that stops the logging
 * @throws ConfigurationError for a logger without the methods of the levels
 * @example
 * ```ts
 * import { createLogger, logPolicyEvents } from 'escudo/pino'
 *
 * const stop = logPolicyEvents(createLogger({ service: 'potion-shop' }))
 * stop()
 * ```
 */
export function logPolicyEvents(logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>): () => void {
  for (const method of ['debug', 'info', 'warn', 'error', 'fatal'] as const) {
    if (typeof logger?.[method] !== 'function') {
      throw new ConfigurationError('logPolicyEvents.logger', `expected a logger with ${method}(), got ${show(logger)}`)
    }
  }
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

function checkSettings(settings: LoggerSettings): void {
  const path = 'createLogger'
  knownKeys(settings, path, ['service', 'level', 'file', 'stdout', 'redact', 'sink'])
  const { service, level = 'debug', file, stdout = true, redact = [], sink } = settings
  checkLineOptions(service, redact, path)
  oneOf(level, `${path}.level`, LEVELS)
  if (file !== undefined) nonEmptyText(file, `${path}.file`)
  trueOrFalse(stdout, `${path}.stdout`)
  if (sink !== undefined && typeof sink?.write !== 'function') {
    throw new ConfigurationError(`${path}.sink`, `expected an object with write(), got ${show(sink)}`)
  }
}

function checkLineOptions(service: unknown, redact: unknown, path: string): void {
  nonEmptyText(service, `${path}.service`)
  if (!Array.isArray(redact)) throw new ConfigurationError(`${path}.redact`, `expected an array, got ${show(redact)}`)
  for (const [index, field] of redact.entries()) nonEmptyText(field, `${path}.redact[${index}]`)
}

function ambientFields(): object {
  const context = ambient()
  if (context === undefined) return {}
  return { trace_id: context.traceId, span_id: context.spanId, ...context.bindings }
}

function pathsTo(name: string): string[] {
  const isIdentifier = /^[A-Za-z_]\w*$/.test(name)
  return isIdentifier ? [name, `*.${name}`, `*.*.${name}`] : [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]
}

/** Logs a line. A value that cannot be serialized (a throwing getter, a proxy) is replaced by a safe form of it. */
const logWithoutThrowing: NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']> = function (
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
      // A logged value must not break the code that logs it.
    }
  }
}
