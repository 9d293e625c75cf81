import { types } from 'node:util'
import { isSecretName, MAY_BE_SECRET } from '../../core/secret-names.ts'
import { remembering } from '../../errors/remembering.ts'
import { truncate } from '../../errors/to-json.ts'
import { isHarmless } from './harmless-text.ts'
import { jsonText } from './json-text.ts'
import { nodesBelow, type PathNodes } from './redact-paths.ts'
import { REDACTED, redactText } from './secret-text.ts'
import { entriesOf, errorEntries, isErrorLike, kindOf, textOf } from './special-values.ts'

// The bounds of one line. A value beyond them is replaced by a mark.
const DEPTH_MAX = 10
export const ENTRIES_MAX = 1_000
const TEXT_LENGTH_MAX = 8_192
const KEY_LENGTH_MAX = 256
export const CHARACTERS_MAX = 65_536

const REDACTED_JSON = `"${REDACTED}"`
/** Replaces the fields that are beyond a bound. */
export const TRUNCATED_FIELD = '"…":"[truncated]"'
const UNREADABLE = '"[unreadable]"'

/** What is known of a key. */
interface KeyFacts {
  /** The key as JSON, with its colon: `"name":`. */
  readonly json: string
  /** The key as it is written, if that differs: it was too long, or held a secret itself. */
  readonly altered: string | undefined
  readonly isSecret: boolean
}

// Most keys occur in every line.
const factsOf = remembering({ entriesMax: 2_000, lengthMax: KEY_LENGTH_MAX }, (key): KeyFacts => {
  const shown = redactText(truncate(key, KEY_LENGTH_MAX), () => REDACTED)
  return { json: `${jsonText(shown)}:`, altered: shown === key ? undefined : shown, isSecret: isSecretName(key) }
})

/**
 * Writes values as JSON and redacts them in the same pass. One object writes one line. Never throws.
 *
 * A value that JSON cannot hold, and one that is too deep or too long, is replaced by its kind or a mark in brackets.
 */
export class FieldWriter {
  #charactersLeft = CHARACTERS_MAX
  #alteredCount = 0
  /** The objects around the current value. An object that occurs twice, but not inside itself, is written twice. */
  #path: object[] | undefined

  /** How many more characters the line may have. */
  get charactersLeft(): number {
    return this.#charactersLeft
  }

  /** Whether the line has reached its bound: further fields must not be written. */
  get isFull(): boolean {
    return this.#charactersLeft <= 0
  }

  /**
   * Writes a field as `"key":value`. Returns undefined for the value undefined, which has no JSON.
   *
   * @param pathKey the key that the paths to redact know, if the field is written under another one
   */
  field(key: string, value: unknown, paths: PathNodes | undefined, pathKey?: string): string | undefined {
    return this.#field(key, value, paths, 0, pathKey)
  }

  /** Writes a value. Returns undefined for the value undefined. */
  value(value: unknown, paths?: PathNodes): string | undefined {
    return this.#value(value, paths, 0)
  }

  #field(
    key: string,
    value: unknown,
    paths: PathNodes | undefined,
    depth: number,
    pathKey: string = key,
  ): string | undefined {
    if (value === undefined) return undefined
    const { json: known, altered, isSecret } = factsOf(key)
    // Altered keys can be equal, and each key is written once.
    const json = altered === undefined ? known : `${jsonText(`${altered}#${++this.#alteredCount}`)}:`
    this.#charactersLeft -= json.length
    if (isSecret && value !== null) return json + this.#mark(REDACTED_JSON)
    const below = paths === undefined ? undefined : nodesBelow(paths, pathKey)
    if (below?.some(({ isEnd }) => isEnd)) return json + this.#mark(REDACTED_JSON)
    const text = this.#value(value, below, depth)
    return text === undefined ? undefined : json + text
  }

  #value(value: unknown, paths: PathNodes | undefined, depth: number): string | undefined {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        this.#charactersLeft -= 8
        return Number.isFinite(value) ? String(value) : 'null'
      case 'boolean':
        return value ? 'true' : 'false'
      case 'undefined':
        return undefined
      case 'object':
        return value === null ? 'null' : this.#object(value, paths, depth)
      case 'bigint':
        return this.#text(value.toString())
      default:
        return `"[${typeof value}]"`
    }
  }

  #text(text: string): string {
    if (text.length < this.#charactersLeft && isHarmless(text)) return this.#mark(`"${text}"`)
    // A secret that the bound divides would no longer be recognised, so twice as much is searched.
    const readable = text.length > TEXT_LENGTH_MAX * 2 ? withoutOpenSecret(text.slice(0, TEXT_LENGTH_MAX * 2)) : text
    const redacted = redactText(readable, (value) => new FieldWriter().value(value) ?? 'null')
    const removedCount = Math.max(0, readable.length - redacted.length)
    const lengthMax = readable === text ? TEXT_LENGTH_MAX : TEXT_LENGTH_MAX - removedCount
    const short = truncate(redacted, Math.max(0, Math.min(lengthMax, this.#charactersLeft)))
    return this.#mark(jsonText(short))
  }

  #mark(json: string): string {
    this.#charactersLeft -= json.length
    return json
  }

  #object(value: object, paths: PathNodes | undefined, depth: number): string | undefined {
    this.#path ??= []
    if (this.#path.includes(value)) return this.#mark('"[circular]"')
    if (depth >= DEPTH_MAX || this.isFull) return this.#mark('"[truncated]"')
    this.#path.push(value)
    try {
      return this.#contents(value, paths, depth)
    } catch {
      return this.#mark(UNREADABLE)
    } finally {
      this.#path.pop()
    }
  }

  #contents(value: object, paths: PathNodes | undefined, depth: number): string | undefined {
    if (Array.isArray(value)) return this.#list(value, paths, depth)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      const kind = kindOf(value)
      if (kind !== undefined) return this.#text(kind)
      const text = textOf(value)
      if (text !== undefined) return this.#text(text)
      if (isErrorLike(value)) return this.#record(value, errorEntries(value), paths, depth)
      if (types.isBoxedPrimitive(value)) return this.#value(value.valueOf(), paths, depth)
      if (types.isSet(value)) return this.#list([...take(value.values())], paths, depth)
      const entries = entriesOf(value, ENTRIES_MAX + 1)
      if (entries !== undefined) return this.#record(value, entries, paths, depth)
    }
    const { toJSON } = value as { readonly toJSON?: unknown }
    if (typeof toJSON === 'function') return this.#value(toJSON.call(value, ''), paths, depth + 1) ?? 'null'
    return this.#ownFields(value, paths, depth)
  }

  /** Most objects of a line are records like those of JSON, so this has no iterator and no pair for each field. */
  #ownFields(source: object, paths: PathNodes | undefined, depth: number): string {
    let fields = ''
    let count = 0
    for (const key of Object.keys(source)) {
      if (this.#isBeyond(++count)) return truncated(fields)
      fields = this.#withField(fields, source, key, readItem(source, key), paths, depth)
    }
    return `{${fields}}`
  }

  #record(
    source: object,
    entries: Iterable<readonly [string, unknown]>,
    paths: PathNodes | undefined,
    depth: number,
  ): string {
    let fields = ''
    let count = 0
    for (const [key, item] of entries) {
      if (this.#isBeyond(++count)) return truncated(fields)
      fields = this.#withField(fields, source, key, item, paths, depth)
    }
    return `{${fields}}`
  }

  #isBeyond(count: number): boolean {
    // Every entry counts, also one without text: objects that hold each other many times have no end otherwise.
    this.#charactersLeft -= 3
    return count > ENTRIES_MAX || this.isFull
  }

  #withField(
    fields: string,
    source: object,
    key: string,
    item: unknown,
    paths: PathNodes | undefined,
    depth: number,
  ): string {
    const field = this.#field(key, isNamedSecret(source, key) ? REDACTED : item, paths, depth + 1)
    if (field === undefined) return fields
    return fields === '' ? field : `${fields},${field}`
  }

  #list(values: readonly unknown[], paths: PathNodes | undefined, depth: number): string {
    let items = ''
    let isAfterSecretName = false
    for (let index = 0; index < values.length; index += 1) {
      if (index > 0) items += ','
      this.#charactersLeft -= 3
      if (index >= ENTRIES_MAX || this.isFull) return `[${items}"[truncated]"]`
      const item = readItem(values, index)
      const below = paths === undefined ? undefined : nodesBelow(paths, String(index))
      const isRedacted = (isAfterSecretName && item !== null) || below?.some(({ isEnd }) => isEnd) === true
      items += isRedacted ? this.#mark(REDACTED_JSON) : (this.#value(item, below, depth + 1) ?? 'null')
      // Raw headers: ['authorization', '…', 'host', '…'], or a list of such pairs.
      isAfterSecretName = !isAfterSecretName && isNameOfSecret(item)
    }
    return `[${items}]`
  }
}

/** Writes the text of a field with a harmless name, in a line that is far from its bound. */
export function writeText(text: string | null): string {
  if (text === null) return 'null'
  return isHarmless(text) ? `"${text}"` : (new FieldWriter().value(text) as string)
}

/** Removes the last word of a text that was cut there, if a secret may be in it and continue beyond. */
function withoutOpenSecret(text: string): string {
  const start =
    Math.max(text.lastIndexOf(' '), text.lastIndexOf('\n'), text.lastIndexOf('&'), text.lastIndexOf('"')) + 1
  const last = text.slice(start)
  return /[=:]/.test(last) ? text.slice(0, start) : text
}

function isNameOfSecret(item: unknown): boolean {
  return typeof item === 'string' && item.length <= 64 && MAY_BE_SECRET.test(item) && /^[-\w.$]+$/.test(item)
    ? isSecretName(item)
    : false
}

/** Whether a field is the value of a header or parameter with the name of a secret: { name: 'cookie', value: '…' }. */
export function isNamedSecret(source: object, field: string): boolean {
  if (field !== 'value' && field !== 'values') return false
  return ['name', 'key', 'header'].some((label) => {
    const name = readItem(source, label)
    return typeof name === 'string' && isSecretName(name)
  })
}

/** An object whose further fields are beyond a bound. */
function truncated(fields: string): string {
  return `{${fields}${fields === '' ? '' : ','}${TRUNCATED_FIELD}}`
}

function* take<T>(values: Iterable<T>): Iterable<T> {
  let count = 0
  for (const value of values) {
    yield value
    if (++count > ENTRIES_MAX) return
  }
}

function readItem(value: object, key: string | number): unknown {
  try {
    return (value as Readonly<Record<string | number, unknown>>)[key]
  } catch {
    return '[unreadable]'
  }
}
