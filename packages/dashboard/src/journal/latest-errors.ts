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
  /** The errors of both lists by their spans, of which each line with an error asks for one. */
  readonly #bySpan = new Map<string, T[]>()

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
    if (known === undefined) {
      this.#remember(error)
      const dropped = this.#of(error.kind).add(error)
      if (dropped !== undefined) this.#forget(dropped)
      return
    }
    const both = joined(known, error)
    if (both === known) return
    this.#of(known.kind).replace(known, both)
    this.#forget(known)
    this.#remember(both)
  }

  /** All errors of both kinds. */
  get state(): readonly [technical: readonly T[], business: readonly T[]] {
    return [this.#technical.items, this.#business.items]
  }

  /** Takes the errors of a {@link state}. */
  restore([technical, business]: readonly [readonly T[], readonly T[]]): void {
    this.#technical.restore(technical)
    this.#business.restore(business)
    this.#rememberAll()
  }

  /** Moves errors to other times. */
  move(isMoved: (error: T) => boolean, byMs: number): void {
    for (const errors of [this.#technical, this.#business]) errors.move(isMoved, byMs)
    this.#rememberAll()
  }

  /** Returns the error about the same request. There is one at most: a second one is joined to it. */
  #known(error: T): T | undefined {
    if (error.spanId === undefined) return undefined
    return this.#bySpan.get(error.spanId)?.find((one) => isSameRequest(one, error))
  }

  #remember(error: T): void {
    if (error.spanId === undefined) return
    const known = this.#bySpan.get(error.spanId)
    if (known === undefined) this.#bySpan.set(error.spanId, [error])
    else known.push(error)
  }

  #forget(error: T): void {
    if (error.spanId === undefined) return
    const others = this.#bySpan.get(error.spanId)?.filter((one) => one !== error) ?? []
    if (others.length === 0) this.#bySpan.delete(error.spanId)
    else this.#bySpan.set(error.spanId, others)
  }

  #rememberAll(): void {
    this.#bySpan.clear()
    for (const { items } of [this.#technical, this.#business]) for (const error of items) this.#remember(error)
  }

  #of(kind: Kind): Latest<T> {
    return kind === 'business' ? this.#business : this.#technical
  }
}
