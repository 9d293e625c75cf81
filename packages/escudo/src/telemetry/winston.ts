import { knownKeys } from '../core/options/options.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { LineFormat } from './lines/line-format.ts'
import { LINE_SETTINGS, type LineSettings } from './lines/line-settings.ts'
import type { LineLogger } from './policy-log.ts'

export type { LineSettings } from './lines/line-settings.ts'
export type { LineLogger, PolicyLogOptions } from './policy-log.ts'
export { logPolicyEvents } from './policy-log.ts'
export { logService } from './service-lines.ts'

/** The form in which winston takes a format. */
export interface LineTransform {
  readonly transform: (info: WinstonInfo) => WinstonInfo
}

/** The object that winston passes through its formats. */
export interface WinstonInfo {
  level: string
  message: unknown
  [key: string | symbol]: unknown
}

/** The methods of a winston logger that escudo uses. */
export interface WinstonLogger {
  log(level: string, message: string, meta: object): unknown
  isLevelEnabled?(level: string): boolean
}

// Symbols that winston's transports read, from its package triple-beam.
const LEVEL = Symbol.for('level')
const MESSAGE = Symbol.for('message')
/** The level of a line for which winston has none. */
const LINE_LEVEL = Symbol('escudo.level')

// The levels of npm, winston's default, and those of syslog.
const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = {
  warn: 'warning',
  http: 'info',
  notice: 'info',
  verbose: 'debug',
  silly: 'debug',
  crit: 'critical',
  alert: 'critical',
  emerg: 'critical',
}

/**
 * Returns a format that makes a winston logger write escudo's lines.
 *
 * Redaction, traces and names are those of `escudo/pino`. Use it as the only format: the transports get the finished
 * line, without the fields that it was made of.
 *
 * @throws ConfigurationError for an invalid option, and for a path of `redact` that cannot be parsed
 * @example
 * ```ts
 * import { lineFormat } from 'escudo/winston'
 * import winston from 'winston'
 *
 * const log = winston.createLogger({
 *   format: lineFormat({ service: 'potion-shop', redact: ['card.number'] }),
 *   transports: [new winston.transports.Console()],
 * })
 * log.info('order_paid', { user_id: 'bob', card: { number: '4111' } })
 * ```
 */
export function lineFormat(settings: LineSettings): LineTransform {
  knownKeys(settings, 'lineFormat', LINE_SETTINGS)
  const format = new LineFormat(settings, 'lineFormat')
  return {
    transform(info) {
      const winstonLevel = String(info[LEVEL] ?? info.level)
      const level = info[LINE_LEVEL] ?? LEVEL_NAMES[winstonLevel] ?? winstonLevel
      const line = format.line(String(level), info.message, fieldsOf(info))
      return { level: winstonLevel, message: '', [LEVEL]: winstonLevel, [MESSAGE]: line.slice(0, -1) }
    },
  }
}

/**
 * Adapts a winston logger to what `logPolicyEvents` and `logService` write to.
 *
 * winston has no level above `error`: a line at `critical` is passed at `error`, and still says `critical`.
 *
 * @example
 * ```ts
 * import { lineFormat, lineLogger, logPolicyEvents } from 'escudo/winston'
 * import winston from 'winston'
 *
 * const log = winston.createLogger({
 *   format: lineFormat({ service: 'potion-shop' }),
 *   transports: [new winston.transports.Console()],
 * })
 * const stop = logPolicyEvents(lineLogger(log))
 * stop()
 * ```
 */
export function lineLogger(logger: WinstonLogger): LineLogger {
  const at = (level: string) => (fields: object, event: string) => {
    logger.log(level, event, fields)
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: (fields, event) => {
      logger.log('error', event, { ...fields, [LINE_LEVEL]: 'critical' })
    },
    isLevelEnabled: (level) => logger.isLevelEnabled?.(level === 'fatal' ? 'error' : level) ?? true,
  }
}

/** The fields of a line. winston passes a logged error itself as the object. */
function fieldsOf(info: WinstonInfo): object {
  if (info instanceof Error) return { err: info }
  try {
    const { level: _, message: __, ...fields } = info
    return fields
  } catch {
    // A getter threw. The walk reads one field after another.
    return info
  }
}
