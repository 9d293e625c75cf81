import { Errors } from './catalogue.ts'

/**
 * A map with a bound, for what the shop keeps in memory. Nothing is ever pushed out to make room: a user who was told
 * that he exists has to go on existing.
 */
export class Bounded<Value> {
  readonly #entries = new Map<string, Value>()
  readonly #recurso: string
  readonly #max: number

  /** @param recurso what it holds, as the error says it */
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

  /** @throws ALMACEN_LLENO when there is no room for one more */
  checkRoom(): void {
    if (this.#entries.size >= this.#max) throw new Errors.ALMACEN_LLENO({ recurso: this.#recurso, max: this.#max })
  }

  /** @throws ALMACEN_LLENO when the key is new and there is no room */
  set(key: string, value: Value): void {
    if (!this.#entries.has(key)) this.checkRoom()
    this.#entries.set(key, value)
  }
}
