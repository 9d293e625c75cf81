import { Errors } from './catalogue.ts'

// A Map, because an id may be `__proto__`. Its keys never change, so its size is fixed.
const INITIAL: ReadonlyMap<string, number> = new Map([
  ['item1', 50],
  ['item2', 5],
  ['SuperPocion', 2],
])

/** The stock of each item, in memory: a restart resets it. */
export class Stock {
  readonly #left = new Map(INITIAL)

  /**
   * Takes `cantidad` of an item, or nothing.
   *
   * There must be no `await` between the check and the update: otherwise two concurrent orders could both take the last
   * item. With a database, use one statement: `UPDATE … SET left = left - n WHERE id = ? AND left >= n`.
   *
   * @throws ITEM_NOT_FOUND for an unknown item
   * @throws STOCK_INSUFICIENTE if fewer are left
   */
  take(item_id: string, cantidad: number): void {
    const disponible = this.#left.get(item_id)
    if (disponible === undefined) throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: item_id })
    if (cantidad > disponible) throw new Errors.STOCK_INSUFICIENTE({ item_id, solicitado: cantidad, disponible })
    this.#left.set(item_id, disponible - cantidad)
  }
}
