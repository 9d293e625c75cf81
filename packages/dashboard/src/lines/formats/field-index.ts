import { isJson, type Json } from '../log-fields.ts'
import { GENERAL } from './general-names.ts'
import type { JsonFormat } from './json-format.ts'
import type { FieldName, Names } from './paths.ts'

/** The canonical fields, in the order of {@link FieldIndex.collect}'s result. */
export const FIELD_NAMES: readonly FieldName[] = Object.keys(GENERAL) as FieldName[]

/** Returns the value of a canonical field; undefined if it is not valid. */
export type FieldReader = (value: unknown) => unknown

interface Candidate {
  readonly field: number
  /** The lowest rank with a valid value wins. */
  readonly rank: number
  /** The names of the nested fields under the key. */
  readonly inner: readonly string[]
}

/**
 * Finds the canonical fields of a line by its keys.
 *
 * A line has a dozen keys, but a field has up to twenty names: so the keys are looked up, not the names.
 */
export class FieldIndex {
  readonly #byKey = new Map<string, Candidate[]>()

  /** Names are tried in this order: those that were declared, those of the format, the general ones. */
  constructor(declared: Names, format: Names | undefined) {
    FIELD_NAMES.forEach((name, field) => {
      const own = declared[name] ?? format?.[name] ?? []
      ;[...own, ...GENERAL[name]].forEach(({ flat, segments }, rank) => {
        this.#add(flat, { field, rank, inner: [] })
        const [key = '', ...inner] = segments
        if (inner.length > 0) this.#add(key, { field, rank, inner })
      })
    })
  }

  /** Returns the value of each field, in the order of {@link FIELD_NAMES}. */
  collect(line: Json, readers: readonly FieldReader[]): readonly unknown[] {
    const values: unknown[] = new Array(FIELD_NAMES.length).fill(undefined)
    const ranks: number[] = new Array(FIELD_NAMES.length).fill(Number.POSITIVE_INFINITY)
    for (const key in line) {
      const candidates = this.#byKey.get(key)
      if (candidates === undefined) continue
      for (const { field, rank, inner } of candidates) {
        if (rank >= (ranks[field] ?? 0)) continue
        const value = inner.length === 0 ? line[key] : within(line[key], inner)
        if (value === undefined || value === null) continue
        const read = readers[field]?.(value)
        if (read === undefined) continue
        values[field] = read
        ranks[field] = rank
      }
    }
    return values
  }

  #add(key: string, candidate: Candidate): void {
    const known = this.#byKey.get(key)
    if (known === undefined) this.#byKey.set(key, [candidate])
    else known.push(candidate)
  }
}

function within(top: unknown, inner: readonly string[]): unknown {
  let value = top
  for (const name of inner) {
    if (!isJson(value)) return undefined
    value = value[name]
  }
  return value
}

/** The index of each format, built when it is first needed. */
export class FieldIndexes {
  readonly #declared: Names
  readonly #byFormat = new Map<JsonFormat, FieldIndex>()

  constructor(declared: Names) {
    this.#declared = declared
  }

  of(format: JsonFormat): FieldIndex {
    let index = this.#byFormat.get(format)
    if (index === undefined) {
      index = new FieldIndex(this.#declared, format.names)
      this.#byFormat.set(format, index)
    }
    return index
  }
}
