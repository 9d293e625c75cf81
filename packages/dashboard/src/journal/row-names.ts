import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import type { Kind } from '../lines/kind.ts'
import type { RowJournal } from './row-journal.ts'

/** How many cells are remembered. */
const CELLS = 4_096

/** The names in the rows of one scanner, and what the journal knows of them. */
export interface RowTexts {
  readonly services: readonly string[]
  readonly routes: readonly string[]
  readonly instances: readonly string[]
  readonly codes: readonly string[]
}

/** Finds what a journal counts by the numbers in rows: most rows have the same few. */
export class RowNames {
  readonly #journal: RowJournal
  readonly texts: RowTexts
  readonly #watches: (ServiceWatch | undefined)[] = []
  // 46 bits: service, route, status, code and kind.
  readonly #cellKeys = new Float64Array(CELLS).fill(-1)
  readonly #cells = new Int32Array(CELLS)

  constructor(journal: RowJournal, texts: RowTexts) {
    this.#journal = journal
    this.texts = texts
  }

  /** Returns the name of a service; `own` for none. */
  service(number: number, own: string): string {
    return number === 0 ? own : (this.texts.services[number - 1] ?? own)
  }

  /** Returns the name of a process; undefined for none. */
  instance(number: number): string | undefined {
    return number === 0 ? undefined : this.texts.instances[number - 1]
  }

  /** Returns the code of an error; undefined for none. */
  code(number: number): string | undefined {
    return number === 0 ? undefined : this.texts.codes[number - 1]
  }

  /** Returns the route of a request; undefined for none. */
  route(number: number): string | undefined {
    return number === 0 ? undefined : this.texts.routes[number - 1]
  }

  /** Returns what is known of a service. */
  watch(number: number, own: string): ServiceWatch {
    if (number === 0) return this.#journal.services.watch(own)
    let watch = this.#watches[number]
    if (watch === undefined) {
      watch = this.#journal.services.watch(this.service(number, own))
      this.#watches[number] = watch
    }
    return watch
  }

  /**
   * Returns the cell of a request. Once a name is folded into others, it remains so.
   *
   * @param code the number of its error code
   * @param kind undefined if it succeeded
   */
  cell(service: number, own: string, route: number, status: number, code: number, kind: Kind | undefined): number {
    if (service === 0) return this.#find(own, route, status, code, kind)
    const error = kind === undefined ? 0 : code * 2 + (kind === 'business' ? 1 : 0)
    const key = ((service * 65_536 + route) * 1_024 + status) * 1_024 + error
    const slot = (Math.imul(service * 31 + route, 0x9e3779b1) + status + error * 7) & (CELLS - 1)
    if (this.#cellKeys[slot] === key) return this.#cells[slot] ?? 0
    const cell = this.#find(this.service(service, own), route, status, code, kind)
    this.#cellKeys[slot] = key
    this.#cells[slot] = cell
    return cell
  }

  #find(service: string, route: number, status: number, code: number, kind: Kind | undefined): number {
    const { cells } = this.#journal
    const name = this.route(route)
    if (kind === undefined) return cells.succeeded(service, name, status)
    return cells.request(service, status, this.code(code), kind, name)
  }
}
