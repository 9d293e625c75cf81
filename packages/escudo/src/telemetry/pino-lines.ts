import { types } from 'node:util'
import { type Logger, type LoggerOptions, stdSerializers } from 'pino'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { truncate } from '../errors/to-json.ts'
import { FieldWriter } from './lines/field-writer.ts'
import type { LineFormat, WrittenFields } from './lines/line-format.ts'
import { type PathNodes, parsePaths } from './lines/redact-paths.ts'

const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = { warn: 'warning', fatal: 'critical', trace: 'debug' }

/** What escudo adds to a pino logger, under a symbol. Child loggers inherit it. */
const STATE = Symbol('escudo.lines')

interface LineState {
  readonly format: LineFormat
  readonly bound: WrittenFields
  readonly paths: PathNodes | undefined
  /** Whether fields go to the line unchanged: the logger has no custom serializer, formatter or redaction. */
  readonly isPlain: boolean
  /** Whether the destination is a transport that finds its targets by a numeric `level` in the line. */
  readonly needsLevel: boolean
}

/** The members of a pino logger that are under symbols, by their descriptions: each copy of pino has separate ones. */
type Internals = Readonly<Record<'asJson' | 'chindings' | 'stringifiers' | 'setLevel' | 'stream' | 'mixin', symbol>>

type Serializers = Readonly<Record<string, ((value: unknown) => unknown) | undefined>>

type AnyLogger = Logger & Record<symbol, unknown> & { [STATE]?: LineState }

const SERIALIZERS = Symbol.for('pino.serializers')
const FORMATTERS = Symbol.for('pino.formatters')
const HOOKS = Symbol.for('pino.hooks')
// pino marks a transport with several targets from 10.4 on.
const USES_MULTISTREAM = Symbol.for('pino.transport.usesMultistream')

/**
 * Makes a logger that writes escudo's lines through a pino logger: to its destination, from its level on, with its
 * bindings, mixin, hooks, serializers and redaction. The given logger does not change.
 *
 * @throws TypeError for a logger that is not pino's
 */
export function withLines(logger: Logger, format: LineFormat, where: string): Logger {
  const lines = Object.create(logger) as AnyLogger
  const internals = internalsOf(lines, where)
  const bound = format.written(bindingsOf(logger))
  const needsLevel = findsTargetsByLevel(lines, internals)
  lines[STATE] = { format, bound, paths: format.paths, isPlain: isPlain(lines, internals), needsLevel }
  lines[internals.asJson] = function asLine(this: AnyLogger, fields: object, event: unknown, level: number): string {
    return writeLine(this, internals, fields, event, level)
  }
  lines.child = function child(this: AnyLogger, bindings: unknown, options?: Record<string, unknown>) {
    return childOf(this, internals, logger.child, bindings, options)
  } as unknown as Logger['child']
  lines.bindings = function bindings(this: AnyLogger) {
    return Object.fromEntries([...boundOf(this)].map(([key, text]) => [key, JSON.parse(`{${text}}`)[key]]))
  }
  lines.setBindings = function setBindings(this: AnyLogger, bindings) {
    this[STATE] = bind(this, internals, bindings)
  }
  const hooks = lines[HOOKS] as LoggerOptions['hooks']
  lines[HOOKS] = { ...hooks, logMethod: withoutThrowing(hooks?.logMethod) }
  // The methods of the levels call the hook. Setting the level makes them again.
  const setLevel = (lines as unknown as Record<symbol, (level: string) => void>)[internals.setLevel]
  setLevel?.call(lines, logger.level)
  return lines
}

const LINES = Symbol('escudo.linesOf')

/**
 * A hook for a pino logger that writes escudo's lines instead of pino's. Each child has separate lines, made with its
 * first line, because its bindings are text by then.
 */
export function lineHook(format: LineFormat): LogMethod {
  const log = withoutThrowing(undefined)
  return function logLine(this: Logger, args, method, level): void {
    log.call(linesOf(this, format), args, method, level)
  }
}

/** The lines of a logger, with the text of the bindings that they were made for. */
interface MadeLines {
  readonly lines: Logger
  readonly key: symbol
  readonly chindings: unknown
}

function linesOf(logger: Logger, format: LineFormat): Logger {
  const owner = logger as unknown as Record<symbol, unknown> & { [LINES]?: MadeLines }
  const made = Object.hasOwn(owner, LINES) ? owner[LINES] : undefined
  // The bindings of a logger change with `setBindings`.
  if (made !== undefined && made.chindings === owner[made.key]) return made.lines
  const key = internalsOf(logger, 'lineFormat').chindings
  const lines = withLines(logger, format, 'lineFormat')
  owner[LINES] = { lines, key, chindings: owner[key] }
  return lines
}

function writeLine(log: AnyLogger, internals: Internals, fields: object, event: unknown, level: number): string {
  const { format, bound, paths, isPlain, needsLevel } = log[STATE] as LineState
  const label = log.levels.labels[level] ?? String(level)
  const line = format.line(
    LEVEL_NAMES[label] ?? label,
    event,
    isPlain ? fields : prepared(log, internals, fields),
    bound,
    paths,
  )
  return needsLevel ? `${line.slice(0, -2)},"level":${level}}\n` : line
}

function findsTargetsByLevel(log: AnyLogger, internals: Internals): boolean {
  const stream = log[internals.stream] as { readonly [USES_MULTISTREAM]?: boolean } | undefined
  if (stream?.[USES_MULTISTREAM] === true) return true
  // Before 10.4, one target and several look the same. With one, the field is only superfluous.
  const [major = 0, minor = 0] = log.version.split('.').map(Number)
  return stream?.constructor?.name === 'ThreadStream' && (major < 10 || (major === 10 && minor < 4))
}

/** Applies the logger's own formatter, serializers and redaction to the fields of a line. */
function prepared(log: AnyLogger, internals: Internals, fields: object): object {
  const { log: formatter } = log[FORMATTERS] as { readonly log?: (fields: object) => object }
  let formatted = fields
  try {
    if (formatter !== undefined) formatted = formatter(fields)
  } catch {
    // The fields are written without it.
  }
  return converted(formatted, log[SERIALIZERS] as Serializers, log[internals.stringifiers] as Serializers)
}

function isPlain(log: AnyLogger, internals: Internals): boolean {
  const { log: formatter } = log[FORMATTERS] as { readonly log?: unknown }
  const redacted = Reflect.ownKeys(log[internals.stringifiers] as object)
  return formatter === undefined && redacted.length === 0 && customKeys(log[SERIALIZERS] as Serializers).length === 0
}

/** Applies serializers and redaction to each field. One that throws costs only its field. */
function converted(fields: object, serializers: Serializers, stringifiers: Serializers): object {
  const copy: Record<string, unknown> = Object.create(null)
  try {
    for (const key of Object.keys(fields)) {
      try {
        copy[key] = convertedField(key, (fields as Record<string, unknown>)[key], serializers, stringifiers)
      } catch {
        copy[key] = '[unreadable]'
      }
    }
    return copy
  } catch {
    // A proxy without keys. Its line says so.
    return fields
  }
}

function convertedField(key: string, value: unknown, serializers: Serializers, stringifiers: Serializers): unknown {
  const serializer = serializers[key]
  const isCustom = serializer !== undefined && serializer !== (stdSerializers.err as unknown)
  const serialized = isCustom ? serializer(value) : value
  const wildcard = Object.getOwnPropertySymbols(stringifiers).find(({ description }) =>
    description?.includes('wildcard'),
  )
  const stringify = stringifiers[key] ?? (wildcard && (stringifiers as Record<symbol, Serializers[string]>)[wildcard])
  if (stringify === undefined) return serialized
  const text = stringify(serialized)
  return typeof text === 'string' ? JSON.parse(text) : undefined
}

/** The keys with a serializer, except pino's own for errors: errors are written with their causes anyway. */
function customKeys(serializers: Serializers): readonly string[] {
  const keys = Object.keys(serializers)
  return keys.length === 1 && serializers[keys[0] as string] === (stdSerializers.err as unknown) ? [] : keys
}

/** Replaces pino's `child`, which can throw for a value and does not redact it. */
function childOf(
  parent: AnyLogger,
  internals: Internals,
  pinoChild: Logger['child'],
  bindings: unknown,
  options?: Record<string, unknown> | null,
): Logger {
  const { redact, ...others } = options ?? {}
  const child = pinoChild.call(parent as never, {}, others) as unknown as AnyLogger
  const state = parent[STATE] as LineState
  // pino takes an array of paths, or an object with them.
  const redacted = Array.isArray(redact) ? redact : (redact as { readonly paths?: unknown } | null | undefined)?.paths
  const added = redacted === undefined ? undefined : parsePaths(redacted as string[], 'child.redact')
  const paths = added === undefined ? state.paths : [...(state.paths ?? []), ...added]
  child[STATE] = { ...state, paths, isPlain: isPlain(child, internals) }
  child[STATE] = bind(child, internals, bindings)
  return child
}

function bind(log: AnyLogger, internals: Internals, bindings: unknown): LineState {
  const state = log[STATE] as LineState
  const isObject = typeof bindings === 'object' && bindings !== null
  const isConverted = isObject && !isPlain(log, internals)
  const fields = isConverted
    ? converted(bindings, log[SERIALIZERS] as Serializers, log[internals.stringifiers] as Serializers)
    : bindings
  const written = state.format.written(fields, state.paths)
  return { ...state, bound: written.size === 0 ? state.bound : new Map([...state.bound, ...written]) }
}

function boundOf(log: AnyLogger): WrittenFields {
  return (log[STATE] as LineState).bound
}

/** The bindings of a pino logger. pino keeps them as text. */
function bindingsOf(logger: Logger): object {
  try {
    return logger.bindings()
  } catch {
    return {}
  }
}

function internalsOf(logger: object, where: string): Internals {
  const found: Record<string, symbol> = {}
  for (let owner: unknown = logger; typeof owner === 'object' && owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const symbol of Object.getOwnPropertySymbols(owner)) {
      const name = symbol.description?.replace('pino.', '')
      if (name !== undefined) found[name] ??= symbol
    }
  }
  const needed = ['asJson', 'chindings', 'stringifiers', 'setLevel', 'stream', 'mixin'] as const
  if (needed.some((name) => found[name] === undefined)) {
    throw new ConfigurationError(where, `expected a logger of pino, got ${show(logger)}`)
  }
  return found as Internals
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

/** Logs a line. pino reads some fields of a value itself. Where that throws, the value is written without pino. */
function withoutThrowing(inner: LogMethod | undefined): LogMethod {
  return function logWithoutThrowing(this: Logger, args, method, level): void {
    try {
      const safe = args.length > 1 ? withPlainParameters(args) : args
      if (inner === undefined) method.apply(this, safe as typeof args)
      else inner.call(this, safe as typeof args, method, level)
    } catch {
      logUnreadable(this, args, method)
    }
  }
}

function logUnreadable(log: Logger, args: readonly unknown[], method: (...args: never) => void): void {
  const [first, second] = args
  const text = typeof second === 'string' ? second : typeof first === 'string' ? first : 'unloggable'
  try {
    // Written now, so that pino reads plain data only.
    const value: unknown = JSON.parse(new FieldWriter().value(first) ?? 'null')
    const fields = typeof value === 'object' && value !== null ? value : { value }
    method.apply(withoutMixin(log), [fields, truncate(text, 1_024)] as unknown as never)
  } catch {
    // A logged value, or a destination, must not break the code that logs.
  }
}

/** The logger without its mixin, which may be what threw. */
function withoutMixin(log: Logger): Logger {
  return Object.create(log, { [internalsOf(log, 'mixin').mixin]: { value: undefined } }) as Logger
}

/** Redacts the values that fill the placeholders of a message: `log.info('order %o', order)`. */
function withPlainParameters(args: readonly unknown[]): readonly unknown[] {
  const first = typeof args[0] === 'string' ? 1 : 2
  if (args.length <= first) return args
  return args.map((value, index) => {
    const isWritten = index >= first && (typeof value === 'string' || (typeof value === 'object' && value !== null))
    if (!isWritten) return value
    const plain: unknown = JSON.parse(new FieldWriter().value(value) ?? 'null')
    // `%s` writes an error as text.
    return types.isNativeError(value) && typeof plain === 'object' && plain !== null
      ? Object.defineProperty(plain, 'toString', { value: () => textOfError(plain) })
      : plain
  })
}

function textOfError({ type, message }: { readonly type?: unknown; readonly message?: unknown }): string {
  return `${String(type)}: ${String(message)}`
}
