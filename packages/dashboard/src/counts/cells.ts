import type { Kind } from '../lines/kind.ts'
import { clipped } from '../lines/log-fields.ts'

/** What one cell counts: requests by service, route, status, code and kind, or events by service and name. */
export type CellKey = RequestKey | { readonly type: 'event'; readonly service: string; readonly name: string }

/** The key of a cell of requests. */
export interface RequestKey {
  readonly type: 'request'
  readonly service: string
  /** Undefined when the request has no path. */
  readonly route: string | undefined
  readonly status: number | undefined
  /** Undefined unless the status is 400 or more. */
  readonly code: string | undefined
  readonly kind: Kind | undefined
}

/** The name that replaces every name beyond a bound. */
export const OTHER = '(other)'

/** The most distinct cells. Further ones are counted under {@link OTHER}. */
export const CELLS_MAX = 16_384

/** The most distinct routes of all services. Further ones are counted under {@link OTHER} of their service. */
const ROUTES_MAX = 2_000

/** The most distinct services. */
const SERVICES_MAX = 1_000

/** The most distinct error codes. */
const CODES_MAX = 500

/** How many cells are found without building a text. */
const RECENT = 8

const SEPARATOR = '\u0000'

/** What was numbered, to be written into a file. */
export interface CellsState {
  readonly keys: readonly CellKey[]
  readonly services: ReadonlySet<string>
  readonly codes: ReadonlySet<string>
  readonly routes: ReadonlyMap<string, ReadonlySet<string>>
}

/** Assigns each cell a small number, which all timelines share. */
export class Cells {
  readonly #numbers = new Map<string, number>()
  readonly #keys: CellKey[] = []
  readonly #services = new Set<string>()
  readonly #codes = new Set<string>()
  readonly #routes = new Map<string, Set<string>>()
  #routeCount = 0
  // The failures of an outage have the same few cells.
  readonly #recent: { readonly key: RequestKey; readonly number: number }[] = []
  #nextRecent = 0
  // Most requests succeed. Their cells are found without building a text.
  readonly #succeeded = new Map<string, Map<string | undefined, (number | undefined)[]>>()

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

  /** All that was numbered. */
  get state(): CellsState {
    return { keys: this.#keys, services: this.#services, codes: this.#codes, routes: this.#routes }
  }

  /** Takes the numbers of a {@link state}. None may have been assigned before. */
  restore({ keys, services, codes, routes }: CellsState): void {
    for (const key of keys) {
      this.#numbers.set(textOf(key), this.#keys.length)
      this.#keys.push(key)
    }
    for (const service of services) this.#services.add(service)
    for (const code of codes) this.#codes.add(code)
    for (const [service, names] of routes) {
      this.#routes.set(service, new Set(names))
      this.#routeCount += names.size
    }
  }

  /** Returns the cell of a request without an error. */
  succeeded(service: string, route: string | undefined, status: number | undefined): number {
    const byStatus = this.#succeeded.get(service)?.get(route)
    const known = byStatus?.[status ?? 0]
    if (known !== undefined) return known
    const number = this.request(service, status, undefined, undefined, route)
    if (byStatus !== undefined) byStatus[status ?? 0] = number
    else this.#remember(service, route, status ?? 0, number)
    return number
  }

  /** Returns the cell of a request. */
  request(
    service: string,
    status: number | undefined,
    code: string | undefined,
    kind: Kind | undefined,
    route?: string,
  ): number {
    for (const { key, number } of this.#recent)
      if (
        key.status === status &&
        key.route === route &&
        key.service === service &&
        key.code === code &&
        key.kind === kind
      )
        return number
    const number = this.#request(service, status, code, kind, route)
    const key = this.#keys[number]
    // A folded name is looked up each time.
    if (key?.type === 'request' && key.service === service && key.route === route && key.code === code) {
      this.#recent[this.#nextRecent] = { key, number }
      this.#nextRecent = (this.#nextRecent + 1) % RECENT
    }
    return number
  }

  #request(
    service: string,
    status: number | undefined,
    code: string | undefined,
    kind: Kind | undefined,
    route?: string,
  ): number {
    const key: RequestKey = {
      type: 'request',
      service: bounded(this.#services, service, SERVICES_MAX),
      route: route === undefined ? undefined : this.#boundedRoute(service, route),
      status,
      code: code === undefined ? undefined : bounded(this.#codes, code, CODES_MAX),
      kind,
    }
    const { route: _, ...withoutRoute } = key
    return this.#number(key, { ...withoutRoute, service: OTHER, route: undefined, code: code && OTHER })
  }

  /** Returns the cell of an event. */
  event(service: string, name: string): number {
    const key = { type: 'event', service: bounded(this.#services, service, SERVICES_MAX), name } as const
    return this.#number(key, { ...key, service: OTHER })
  }

  /** Returns the {@link OTHER} cell that replaces a cell when its slot is full. */
  overflow(number: number): number {
    const key = this.key(number)
    return key.type === 'event' ? this.event(OTHER, key.name) : this.request(OTHER, key.status, undefined, key.kind)
  }

  /** Returns the cell of the same service that replaces a cell when its slot has many routes. */
  withoutRoute(number: number): number {
    const key = this.key(number)
    if (key.type === 'event' || key.route === undefined || key.route === OTHER) return number
    return this.request(key.service, key.status, key.code, key.kind, OTHER)
  }

  #remember(service: string, route: string | undefined, status: number, number: number): void {
    const key = this.#keys[number]
    // A folded name is looked up each time: otherwise all names would be kept.
    if (key?.type !== 'request' || key.service !== service || key.route !== route) return
    let byRoute = this.#succeeded.get(service)
    if (byRoute === undefined) {
      byRoute = new Map()
      this.#succeeded.set(service, byRoute)
    }
    const byStatus: (number | undefined)[] = []
    byStatus[status] = number
    byRoute.set(route, byStatus)
  }

  #boundedRoute(service: string, route: string): string {
    let routes = this.#routes.get(service)
    if (routes?.has(route)) return route
    if (this.#routeCount >= ROUTES_MAX || route === OTHER) return OTHER
    if (routes === undefined) {
      routes = new Set()
      this.#routes.set(service, routes)
    }
    // A copy: the text may be a part of all that was read together.
    const copy = clipped(route, Number.POSITIVE_INFINITY)
    routes.add(copy)
    this.#routeCount += 1
    return copy
  }

  #number(key: CellKey, folded: CellKey): number {
    const text = textOf(key)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (this.#keys.length >= CELLS_MAX && text !== textOf(folded)) return this.#number(folded, folded)
    const number = this.#keys.length
    this.#keys.push(key)
    this.#numbers.set(text, number)
    return number
  }
}

function textOf(key: CellKey): string {
  if (key.type === 'event') return `e${SEPARATOR}${key.service}${SEPARATOR}${key.name}`
  const { service, route, status, code, kind } = key
  return `r${SEPARATOR}${service}${SEPARATOR}${route}${SEPARATOR}${status}${SEPARATOR}${code}${SEPARATOR}${kind}`
}

function bounded(known: Set<string>, name: string, max: number): string {
  if (known.has(name)) return name
  if (known.size >= max) return OTHER
  const copy = clipped(name, Number.POSITIVE_INFINITY)
  known.add(copy)
  return copy
}
