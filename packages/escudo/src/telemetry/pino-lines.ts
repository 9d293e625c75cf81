import { type Logger, type LoggerOptions, stdSerializers } from 'pino'
import type { Ambient } from '../core/context/ambient.ts'
import { type KnownLine, type KnownLineLevel, LEVEL_METHODS, WRITE_KNOWN } from '../core/events/known-line.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import type { LineFormat, WrittenFields } from './lines/line-format.ts'
import { type PathNodes, parsePaths } from './lines/redact-paths.ts'
import { type LogMethod, noteMade, withoutThrowing } from './pino-hook.ts'
import { type Internals, internalsOf, type AnyLogger as PinoLogger } from './pino-internals.ts'

const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = { warn: 'warning', fatal: 'critical', trace: 'debug' }

/** What escudo adds to a pino logger, under a symbol. Child loggers inherit it. */
const STATE = Symbol('escudo.lines')
/** The methods of the levels as pino made them. A program can replace one, and then gets every line. */
const METHODS = Symbol('escudo.methods')

interface LineState {
  readonly format: LineFormat
  readonly bound: WrittenFields
  readonly paths: PathNodes | undefined
  /** Whether fields go to the line unchanged: the logger has no custom serializer, formatter or redaction. */
  readonly isPlain: boolean
  /** Whether the destination is a transport that finds its targets by a numeric `level` in the line. */
  readonly needsLevel: boolean
  /** Whether no code of the user sees or changes a whole line on its way to the destination. */
  readonly takesKnown: boolean
  /** The fields that a serializer of the user changes. Fastify adds some to each logger. */
  readonly serialized: readonly string[]
}

type Serializers = Readonly<Record<string, ((value: unknown) => unknown) | undefined>>

type LevelMethods = Readonly<Record<string, unknown>>

type AnyLogger = PinoLogger & { [STATE]?: LineState; [METHODS]?: LevelMethods }

const SERIALIZERS = Symbol.for('pino.serializers')
const FORMATTERS = Symbol.for('pino.formatters')
const HOOKS = Symbol.for('pino.hooks')
// pino marks a transport with several targets from 10.4 on.
const USES_MULTISTREAM = Symbol.for('pino.transport.usesMultistream')
/** On a destination that asks pino for the level and fields of its last line. */
const NEEDS_METADATA = Symbol.for('pino.metadata')

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
  const hooks = lines[HOOKS] as LoggerOptions['hooks']
  const takesKnown = hooks?.logMethod === undefined && takesKnownLines(lines, internals)
  const serialized = customKeys(lines[SERIALIZERS] as Serializers)
  const { paths } = format
  lines[STATE] = { format, bound, paths, isPlain: isPlain(lines, internals), needsLevel, takesKnown, serialized }
  lines[internals.asJson] = function asLine(this: AnyLogger, fields: object, event: unknown, level: number): string {
    const line = writeLine(this, internals, fields, event, level)
    noteMade()
    return line
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
  lines[HOOKS] = { ...hooks, logMethod: withoutThrowing(hooks?.logMethod) }
  const setLevel = lines[internals.setLevel] as (level: string) => void
  lines[internals.setLevel] = function setLevelOfLines(this: AnyLogger, level: string) {
    setLevel.call(this, level)
    this[METHODS] = methodsOf(this)
  }
  Object.assign(lines, {
    [WRITE_KNOWN](this: AnyLogger, level: KnownLineLevel, event: string, line: KnownLine, context: Ambient): boolean {
      return writeKnown(this, internals, level, event, line, context)
    },
  })
  // The methods of the levels call the hook. Setting the level makes them again.
  lines.level = logger.level
  return lines
}

function methodsOf(log: AnyLogger): LevelMethods {
  return Object.fromEntries(Object.values(LEVEL_METHODS).map((method) => [method, log[method]]))
}

/** Whether nothing but the format changes a line between the logging call and the destination. */
function takesKnownLines(log: AnyLogger, internals: Internals): boolean {
  const stream = log[internals.stream] as { readonly [NEEDS_METADATA]?: unknown }
  const { streamWrite } = (log[HOOKS] as { readonly streamWrite?: unknown } | undefined) ?? {}
  return (
    isUnchanged(log, internals) &&
    !findsTargetsByLevel(log, internals) &&
    [log[internals.mixin], log[internals.msgPrefix], streamWrite].every((extra) => extra === undefined) &&
    stream[NEEDS_METADATA] !== true
  )
}

/** Writes a known line; see {@link KnownLineLogger}. */
function writeKnown(
  log: AnyLogger,
  internals: Internals,
  level: KnownLineLevel,
  event: string,
  line: KnownLine,
  context: Ambient,
): boolean {
  const { format, bound, paths, takesKnown, serialized } = log[STATE] as LineState
  const method = LEVEL_METHODS[level]
  // pino flushes the destination after a line at the highest level.
  if (!takesKnown || level === 'critical' || log[method] !== log[METHODS]?.[method]) return false
  // Below the level of the logger, the method does nothing.
  if (!log.isLevelEnabled(method)) return true
  const { names, others } = line
  for (const key of serialized) if (names.has(key) || (others !== undefined && key in others)) return false
  const text = format.known(level, event, line, context, bound, paths)
  if (text === undefined) return false
  try {
    ;(log[internals.stream] as { write(line: string): void }).write(text)
  } catch {
    // The destination may have written the line, so it must not get it again.
  }
  return true
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

/** Whether fields go to the line unchanged. */
function isPlain(log: AnyLogger, internals: Internals): boolean {
  return isUnchanged(log, internals) && customKeys(log[SERIALIZERS] as Serializers).length === 0
}

/** Whether the logger has no formatter and no redaction. */
function isUnchanged(log: AnyLogger, internals: Internals): boolean {
  const { log: formatter } = log[FORMATTERS] as { readonly log?: unknown }
  return formatter === undefined && Reflect.ownKeys(log[internals.stringifiers] as object).length === 0
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
  const takesKnown = state.takesKnown && takesKnownLines(child, internals)
  const serialized = customKeys(child[SERIALIZERS] as Serializers)
  child[STATE] = { ...state, paths, isPlain: isPlain(child, internals), takesKnown, serialized }
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
