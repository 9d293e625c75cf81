import { Errors } from './catalogue.ts'

// A Map and not an object: an id may well be `__proto__`. It holds what the shop sells and nothing else, so it is
// bounded by the shop's own list.
const INITIAL: ReadonlyMap<string, number> = new Map([
  ['item1', 50],
  ['item2', 5],
  ['SuperPocion', 2],
])

/** How many of each item are left. In memory: a new process starts with a full shelf. */
export class Stock {
  readonly #left = new Map(INITIAL)

  /**
   * Takes `cantidad` of an item, or nothing at all.
   *
   * There is no `await` between the look and the taking, and there must never be one: nothing else runs in between, so
   * that of two orders for the last one only one finds it. Over a database this would be one statement, `UPDATE …
   * SET left = left - n WHERE id = ? AND left >= n`.
   *
   * @throws ITEM_NOT_FOUND for an item that the shop does not have
   * @throws STOCK_INSUFICIENTE when fewer are left
   */
  take(item_id: string, cantidad: number): void {
    const disponible = this.#left.get(item_id)
    if (disponible === undefined) throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: item_id })
    if (cantidad > disponible) throw new Errors.STOCK_INSUFICIENTE({ item_id, solicitado: cantidad, disponible })
    this.#left.set(item_id, disponible - cantidad)
  }
}
