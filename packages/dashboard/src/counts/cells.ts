import type { Kind } from '../lines/kind.ts'

/** What one cell counts: requests by service, status, code and kind, or events by service and name. */
export type CellKey =
  | {
      readonly type: 'request'
      readonly service: string
      readonly status: number | undefined
      /** Undefined unless the status is 400 or more. */
      readonly code: string | undefined
      readonly kind: Kind | undefined
    }
  | { readonly type: 'event'; readonly service: string; readonly name: string }
  /** Requests that are counted a second time, apart: hops between services, health checks and scrapes. */
  | { readonly type: 'apart'; readonly kind: 'hop' | 'probe'; readonly status: number | undefined }

/** The name that replaces every name beyond a bound. */
export const OTHER = '(other)'

/** The most distinct cells. Further ones are counted under {@link OTHER}. */
export const CELLS_MAX = 4_096

/** The most distinct services. */
const SERVICES_MAX = 1_000

/** The most distinct error codes. */
const CODES_MAX = 500

const SEPARATOR = '\u0000'

/** Assigns each cell a small number, which all timelines share. */
export class Cells {
  readonly #numbers = new Map<string, number>()
  readonly #keys: CellKey[] = []
  readonly #services = new Set<string>()
  readonly #codes = new Set<string>()
  // Most requests succeed. Their cells are found without building a text.
  readonly #succeeded = new Map<string, (number | undefined)[]>()
  readonly #apart = { hop: [] as (number | undefined)[], probe: [] as (number | undefined)[] }

  /**
   * Returns the key of a cell.
   *
   * @throws RangeError for a number that was never assigned
   */
  key(number: number): CellKey {
    const key = this.#keys[number]
    if (key === undefined) throw new RangeError(`no cell ${number}`)
    return key
  }

  /** Returns the cell of a request without an error. */
  succeeded(service: string, status: number | undefined): number {
    let byStatus = this.#succeeded.get(service)
    if (byStatus === undefined) {
      byStatus = []
      if (this.#succeeded.size < SERVICES_MAX) this.#succeeded.set(service, byStatus)
    }
    const known = byStatus[status ?? 0]
    if (known !== undefined) return known
    const number = this.request(service, status, undefined, undefined)
    byStatus[status ?? 0] = number
    return number
  }

  /** Returns the cell of a request. */
  request(service: string, status: number | undefined, code: string | undefined, kind: Kind | undefined): number {
    const known = this.#numbers.get(
      `r${SEPARATOR}${service}${SEPARATOR}${status}${SEPARATOR}${code}${SEPARATOR}${kind}`,
    )
    if (known !== undefined) return known
    const boundedCode = code === undefined ? undefined : bounded(this.#codes, code, CODES_MAX)
    const boundedService = bounded(this.#services, service, SERVICES_MAX)
    const key: CellKey = { type: 'request', service: boundedService, status, code: boundedCode, kind }
    const folded: CellKey = { type: 'request', service: OTHER, status, code: code && OTHER, kind }
    return this.#number(
      `r${SEPARATOR}${boundedService}${SEPARATOR}${status}${SEPARATOR}${boundedCode}${SEPARATOR}${kind}`,
      key,
      folded,
    )
  }

  /** Returns the cell of an event. */
  event(service: string, name: string): number {
    const boundedService = bounded(this.#services, service, SERVICES_MAX)
    const folded: CellKey = { type: 'event', service: OTHER, name }
    return this.#number(
      `e${SEPARATOR}${boundedService}${SEPARATOR}${name}`,
      { type: 'event', service: boundedService, name },
      folded,
    )
  }

  /** Returns the cell of requests that are counted apart. */
  apart(kind: 'hop' | 'probe', status: number | undefined): number {
    const known = this.#apart[kind][status ?? 0]
    if (known !== undefined) return known
    const key: CellKey = { type: 'apart', kind, status }
    const number = this.#number(`a${SEPARATOR}${kind}${SEPARATOR}${status}`, key, key)
    this.#apart[kind][status ?? 0] = number
    return number
  }

  /** Returns the {@link OTHER} cell that replaces a cell when its slot is full. */
  overflow(number: number): number {
    const key = this.key(number)
    if (key.type === 'apart') return number
    return key.type === 'event' ? this.event(OTHER, key.name) : this.request(OTHER, key.status, undefined, key.kind)
  }

  #number(text: string, key: CellKey, folded: CellKey): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const foldedText = `${folded.type}${SEPARATOR}${restOf(folded)}`
    if (this.#keys.length >= CELLS_MAX && text !== foldedText) return this.#number(foldedText, folded, folded)
    const number = this.#keys.length
    this.#keys.push(key)
    this.#numbers.set(text, number)
    return number
  }
}

function restOf(key: CellKey): string {
  if (key.type === 'request') return [key.status, key.code, key.kind].join(SEPARATOR)
  return key.type === 'event' ? key.name : [key.kind, key.status].join(SEPARATOR)
}

function bounded(known: Set<string>, name: string, max: number): string {
  if (known.has(name)) return name
  if (known.size >= max) return OTHER
  known.add(name)
  return name
}
