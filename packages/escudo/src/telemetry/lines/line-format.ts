import { type Ambient, ambient } from '../../core/context/ambient.ts'
import type { KnownLine } from '../../core/events/known-line.ts'
import { nonEmptyText } from '../../core/options/options.ts'
import { CHARACTERS_MAX, ENTRIES_MAX, FieldWriter, isNamedSecret, TRUNCATED_FIELD, writeText } from './field-writer.ts'
import { jsonText } from './json-text.ts'
import { NAME_LENGTH_MAX, writeName } from './line-names.ts'
import type { LineSettings } from './line-settings.ts'
import { type PathNodes, parsePaths } from './redact-paths.ts'
import { REDACTED } from './secret-text.ts'
import { timestamp } from './timestamp.ts'

/** Fields that were written once, for many lines: each key with its text, `"key":value`. */
export type WrittenFields = ReadonlyMap<string, string>

const NO_FIELDS: WrittenFields = new Map()

/** With so many characters left after its last field, no bound has shortened a field of the line. */
const KNOWN_CHARACTERS_LEFT_MIN = 10_000

/** How many events of known lines are kept. */
const HEADS_MAX = 100

// A line says these itself. A field of the user's with such a name is written under a longer name, because it must not
// change when, where and in which request the line was written.
const OF_EVERY_LINE = ['timestamp', 'log_level', 'service'] as const
const OF_A_REQUEST = ['trace_id', 'span_id', 'parent_span_id'] as const

/** Fields with rules that known lines do not need. */
const SPECIAL: ReadonlySet<string> = new Set(['event', 'value', 'values'])
/** Fields of known lines whose texts many lines repeat. */
const REPEATED: ReadonlySet<string> = new Set([
  ...['error_code', 'error_kind', 'error_type'],
  // Those of refusals, which an outage repeats. With frames, a stack is too long to be kept.
  ...['error_message', 'error_stack'],
])

/** Writes the lines of one service. Each key occurs once, secrets are redacted, and nothing throws. */
export class LineFormat {
  readonly paths: PathNodes | undefined
  readonly #head: string
  readonly #heads = new Map<string, { readonly level: string; readonly text: string }>()
  /** The names that a line has taken already, outside a request and in one. */
  readonly #taken: ReadonlySet<string>
  readonly #takenInRequest: ReadonlySet<string>
  /** The names that a known line must not have among its other fields. */
  readonly #reserved: ReadonlySet<string>

  /** @throws ConfigurationError without a service, and for a path that cannot be parsed */
  constructor(settings: LineSettings, where: string) {
    const { service, version, env, redact = [] } = settings
    nonEmptyText(service, `${where}.service`)
    this.paths = parsePaths(redact, `${where}.redact`)
    const version_ = version === undefined ? '' : `,"service_version":${jsonText(String(version))}`
    const env_ = env === undefined ? '' : `,"env":${jsonText(String(env))}`
    this.#head = `,"service":${jsonText(service)}${version_}${env_}`
    const taken = [...OF_EVERY_LINE, ...(version_ === '' ? [] : ['service_version']), ...(env_ === '' ? [] : ['env'])]
    this.#taken = new Set(taken)
    this.#takenInRequest = new Set([...taken, ...OF_A_REQUEST])
    this.#reserved = new Set([...this.#takenInRequest, ...SPECIAL])
  }

  /**
   * Writes one line, with its newline.
   *
   * @param event the name of the line
   * @param fields the fields of the line. They win over `bound`, which wins over the bindings of the request
   * @param bound the fields of the logger
   * @param paths the paths to redact; default: those of the settings
   */
  line(
    level: string,
    event: unknown,
    fields: unknown,
    bound: WrittenFields = NO_FIELDS,
    paths: PathNodes | undefined = this.paths,
  ): string {
    const context = ambient()
    const bindings = context?.bindings
    const name = event === undefined ? eventOf(fields) : event
    const fieldsOf = new LineFields(
      context === undefined ? this.#taken : this.#takenInRequest,
      paths,
      name !== undefined,
      // The keys are compared only where two groups of fields can hold the same one.
      bound.size > 0 || bindings !== undefined ? new Set() : undefined,
    )
    let text = `{"timestamp":${timestamp()},"log_level":${jsonText(level)}${fieldsOf.event(name)}`
    text += context === undefined ? this.#head : this.#head + trace(context)
    text += fieldsOf.own(fields, event === undefined)
    for (const [key, field] of bound) text += fieldsOf.bound(key, field)
    if (bindings !== undefined) text += fieldsOf.own(bindings, false)
    return `${text}}\n`
  }

  /**
   * Writes a line with known fields. Returns undefined if {@link line} must write it: where a field of the logger or of
   * the request has the name of a known one, where a path to redact may lead to one, and near the bounds of a line.
   */
  known(
    level: string,
    event: string,
    line: KnownLine,
    context: Ambient,
    bound: WrittenFields,
    paths: PathNodes | undefined,
  ): string | undefined {
    const { names, others } = line
    if (context.bindings !== undefined || (paths !== undefined && reaches(paths, names))) return undefined
    const head = this.#headOf(level, event)
    let text = `{"timestamp":${timestamp()}${head}${trace(context)}`
    let charactersLeft = CHARACTERS_MAX
    if (others !== undefined) {
      const keys = Object.keys(others)
      const start = paths === undefined ? line.start(keys, writeText, writeName) : undefined
      if (start !== undefined) text += start
      // Many lines need none.
      let writer: FieldWriter | undefined
      for (let index = start === undefined ? 0 : line.startCount; index < keys.length; index += 1) {
        const key = keys[index] as string
        if (this.#reserved.has(key) || names.has(key)) return undefined
        const value = others[key]
        const isName = paths === undefined && REPEATED.has(key) && typeof value === 'string'
        if (isName && value.length <= NAME_LENGTH_MAX) text += `,"${key}":${writeName(value)}`
        else {
          writer ??= new FieldWriter()
          const field = writer.field(key, value, paths)
          if (field !== undefined) text += `,${field}`
        }
      }
      charactersLeft = (writer?.charactersLeft ?? CHARACTERS_MAX) - (start?.length ?? 0)
    }
    const known = line.text(writeText, writeName)
    // A line that reaches its bound is shortened field by field.
    if (known === undefined || charactersLeft - known.length - head.length < KNOWN_CHARACTERS_LEFT_MIN) return undefined
    text += known
    for (const [key, field] of bound) {
      if (key === 'event' || key.startsWith('fields.') || this.#takenInRequest.has(key)) return undefined
      if (names.has(key) || (others !== undefined && key in others)) return undefined
      text += `,${field}`
    }
    return `${text}}\n`
  }

  /** What follows the time in a known line. Kept, because the levels and events of known lines are few. */
  #headOf(level: string, event: string): string {
    const known = this.#heads.get(event)
    if (known?.level === level) return known.text
    const text = `,"log_level":"${level}","event":${writeName(event)}${this.#head}`
    if (this.#heads.size >= HEADS_MAX) this.#heads.clear()
    this.#heads.set(event, { level, text })
    return text
  }

  /** Writes fields that many lines repeat, such as those of a child logger. */
  written(fields: unknown, paths: PathNodes | undefined = this.paths): WrittenFields {
    const written = new Map<string, string>()
    const writer = new FieldWriter()
    const isWhole = forEachField(fields, writer, (key, value) => {
      const field = writer.field(key, value, paths)
      if (field !== undefined) written.set(key, field)
    })
    if (!isWhole) written.set('…', TRUNCATED_FIELD)
    return written
  }
}

/** Writes the fields of one line, each with a comma before it. */
class LineFields {
  readonly #writer = new FieldWriter()
  readonly #taken: ReadonlySet<string>
  readonly #paths: PathNodes | undefined
  readonly #hasEvent: boolean
  readonly #seen: Set<string> | undefined

  constructor(
    taken: ReadonlySet<string>,
    paths: PathNodes | undefined,
    hasEvent: boolean,
    seen: Set<string> | undefined,
  ) {
    this.#taken = taken
    this.#paths = paths
    this.#hasEvent = hasEvent
    this.#seen = seen
  }

  event(name: unknown): string {
    const field = this.#writer.field('event', name, undefined)
    return field === undefined ? '' : `,${field}`
  }

  /** Writes the fields of an object. With `namesEvent`, its field `event` is written already. */
  own(fields: unknown, namesEvent: boolean): string {
    let text = ''
    const isWhole = forEachField(fields, this.#writer, (key, value) => {
      if (namesEvent && key === 'event' && typeof value === 'string') return
      const name = this.#isTaken(key) ? renamed(key, fields) : key
      if (name === undefined || this.#seen?.has(name) === true) return
      const field = this.#writer.field(name, value, this.#paths, key)
      if (field === undefined) return
      this.#seen?.add(name)
      text += `,${field}`
    })
    return isWhole ? text : text + this.bound('…', TRUNCATED_FIELD)
  }

  /** Writes a field that is text already. */
  bound(key: string, field: string): string {
    const isTaken = this.#isTaken(key)
    const name = isTaken ? `fields.${key}` : key
    if (this.#seen?.has(name) === true) return ''
    this.#seen?.add(name)
    // A taken name needs no escape, so its length is known.
    return isTaken ? `,"${name}":${field.slice(key.length + 3)}` : `,${field}`
  }

  #isTaken(key: string): boolean {
    return this.#taken.has(key) || (key === 'event' && this.#hasEvent)
  }
}

/** Calls `body` for each field of any value. Never throws. Returns false if it stopped at the bounds of a line. */
function forEachField(fields: unknown, writer: FieldWriter, body: (key: string, value: unknown) => void): boolean {
  if (fields === undefined || fields === null) return true
  if (typeof fields !== 'object' || isList(fields)) {
    body('value', fields)
    return true
  }
  let keys: readonly string[]
  try {
    keys = Object.keys(fields)
  } catch {
    body('value', '[unreadable]')
    return true
  }
  let count = 0
  for (const key of keys) {
    if (++count > ENTRIES_MAX || writer.isFull) return false
    let value: unknown
    try {
      value = (fields as Readonly<Record<string, unknown>>)[key]
    } catch {
      value = '[unreadable]'
    }
    body(key, isNamedSecret(fields, key) ? REDACTED : value)
  }
  return true
}

function isList(fields: object): boolean {
  try {
    return Array.isArray(fields) || Symbol.iterator in fields
  } catch {
    // A revoked proxy: its keys cannot be read either.
    return true
  }
}

/** The name of a field whose name is taken; undefined if the object has that one too. */
function renamed(key: string, fields: unknown): string | undefined {
  const name = `fields.${key}`
  try {
    return Object.hasOwn(fields as object, name) ? undefined : name
  } catch {
    return undefined
  }
}

/** `log.info({ event: 'paid' })`, without a message, names its event by the field. */
function eventOf(fields: unknown): string | undefined {
  try {
    const event = (fields as { readonly event?: unknown } | null | undefined)?.event
    return typeof event === 'string' ? event : undefined
  } catch {
    return undefined
  }
}

/** Whether a path to redact may lead to a field with one of these names. */
function reaches(paths: PathNodes, names: ReadonlySet<string>): boolean {
  return paths.some(({ children, any }) => {
    if (any !== undefined) return true
    for (const name of children.keys()) if (names.has(name)) return true
    return false
  })
}

function trace({ traceId, spanId, parentSpanId }: Ambient): string {
  const ids = `,"trace_id":"${traceId}","span_id":"${spanId}"`
  return parentSpanId === undefined ? ids : `${ids},"parent_span_id":"${parentSpanId}"`
}
