import { Errors } from './catalogue.ts'

/**
 * A map with a maximum size. A full map rejects new entries and never evicts old ones: an accepted user must not
 * disappear.
 */
export class BoundedMap<Value> {
  readonly #entries = new Map<string, Value>()
  readonly #recurso: string
  readonly #max: number

  /** @param recurso the kind of entries, for the error message */
  constructor(recurso: string, max: number) {
    this.#recurso = recurso
    this.#max = max
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** @throws ALMACEN_LLENO if the map is full */
  checkRoom(): void {
    if (this.#entries.size >= this.#max) throw new Errors.ALMACEN_LLENO({ recurso: this.#recurso, max: this.#max })
  }

  /** @throws ALMACEN_LLENO if the key is new and the map is full */
  set(key: string, value: Value): void {
    if (!this.#entries.has(key)) this.checkRoom()
    this.#entries.set(key, value)
  }
}
