import type { Count } from './tally.ts'

/** How many cells are remembered. */
const CELLS = 256

/** Where a cell is counted: in the total, and in a slot of each tier, unless that tier has none. */
export interface RecentCell {
  readonly cell: number
  readonly counts: readonly Count[]
  /** Whether a tier has a slot for it. */
  readonly isKept: boolean
}

/** Finds what counts a cell without a look into slots and their maps, as long as times have the same slots. */
export class RecentCells {
  readonly #cells = new Array<RecentCell | undefined>(CELLS).fill(undefined)
  #from = Number.NaN
  #to = Number.NaN

  /** Returns where a cell is counted at a time; undefined if it must be looked up. */
  find(at: number, cell: number): RecentCell | undefined {
    if (at < this.#to && at >= this.#from) {
      const recent = this.#cells[cell & (CELLS - 1)]
      if (recent !== undefined && recent.cell === cell) return recent
    }
    return undefined
  }

  /** Remembers where a cell is counted between two times. */
  add(from: number, to: number, cell: RecentCell): RecentCell {
    if (from !== this.#from || to !== this.#to) {
      this.#cells.fill(undefined)
      this.#from = from
      this.#to = to
    }
    this.#cells[cell.cell & (CELLS - 1)] = cell
    return cell
  }

  /** Counts were moved, removed or shown: all must be looked up again. */
  forget(): void {
    this.#to = Number.NaN
  }
}
