import { isSameRequest, joined, type LoggedError } from '../counts/errors/logged-error.ts'
import { Latest } from '../counts/latest.ts'
import type { Kind } from '../lines/kind.ts'

/**
 * The newest errors, ordered by time.
 *
 * Technical and business errors are bounded apart: a wave of business errors must not push the technical ones out.
 */
export class LatestErrors<T extends LoggedError> {
  readonly #max: number
  readonly #technical: Latest<T>
  readonly #business: Latest<T>

  /** `clock` is the reader's clock. Errors ahead of it make room first. */
  constructor(max: number, clock?: () => number) {
    this.#max = max
    this.#technical = new Latest(max, clock)
    this.#business = new Latest(max, clock)
  }

  /** All errors of the list, oldest first. */
  get items(): readonly T[] {
    return this.newest(this.#max)
  }

  /** Returns at most `count` errors, oldest first: the newest technical ones, then as many business ones as there is room for. */
  newest(count: number, isWanted: (error: T) => boolean = () => true): readonly T[] {
    const technical = this.#technical.items.filter(isWanted).slice(-count)
    const room = count - technical.length
    const business = room === 0 ? [] : this.#business.items.filter(isWanted).slice(-room)
    return [...technical, ...business].sort((a, b) => a.at - b.at)
  }

  /** Whether an error of this kind and time would be kept. Check this before building the item. */
  accepts(kind: Kind, at: number, clockMs?: number): boolean {
    return this.#of(kind).accepts(at, clockMs)
  }

  /** Adds an error, or to the known one about the same request what it lacks. */
  add(error: T): void {
    const known = this.#known(error)
    if (known === undefined) this.#of(error.kind).add(error)
    else this.#of(known.kind).replace(known, joined(known, error))
  }

  /** All errors of both kinds. */
  get state(): readonly [technical: readonly T[], business: readonly T[]] {
    return [this.#technical.items, this.#business.items]
  }

  /** Takes the errors of a {@link state}. */
  restore([technical, business]: readonly [readonly T[], readonly T[]]): void {
    this.#technical.restore(technical)
    this.#business.restore(business)
  }

  /** Moves errors to other times. */
  move(isMoved: (error: T) => boolean, byMs: number): void {
    for (const errors of [this.#technical, this.#business]) errors.move(isMoved, byMs)
  }

  #known(error: T): T | undefined {
    const isSame = (one: T): boolean => isSameRequest(one, error)
    return this.#technical.items.findLast(isSame) ?? this.#business.items.findLast(isSame)
  }

  #of(kind: Kind): Latest<T> {
    return kind === 'business' ? this.#business : this.#technical
  }
}
