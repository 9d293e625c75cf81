import type { LineRef } from '../journal/line-place.ts'
import type { Row } from './engine-client.ts'

/** The most lines that can be opened, and their characters. The oldest are forgotten first. */
const PLACES_MAX = 20_000
const CHARACTERS_MAX = 16_777_216

/** Gives shown lines numbers, by which the page asks for them. */
export class LinePlaces {
  readonly #all = new Map<number, string>()
  readonly #numbers = new Map<string, number>()
  readonly #inTail = new Set<number>()
  #last = 0
  #characters = 0

  /** Whether the live tail has a row. */
  isInTail(row: Row): boolean {
    return this.#inTail.has(this.#numbers.get(JSON.stringify(row)) ?? 0)
  }

  /** Returns the place of a row, the same one for the same row. */
  add(row: Row, list?: 'tail'): LineRef {
    const text = JSON.stringify(row)
    let number = this.#numbers.get(text)
    if (number === undefined) {
      this.#last += 1
      number = this.#last
      this.#numbers.set(text, number)
      this.#all.set(number, text)
      this.#characters += text.length
      for (const [oldest, kept] of this.#all) {
        if (this.#all.size <= PLACES_MAX && this.#characters <= CHARACTERS_MAX) break
        this.#all.delete(oldest)
        this.#inTail.delete(oldest)
        this.#numbers.delete(kept)
        this.#characters -= kept.length
      }
    }
    if (list === 'tail') this.#inTail.add(number)
    return [0, number, 0, 0]
  }

  /** Returns the row at a place; undefined if it is forgotten. */
  get([, number]: LineRef): Row | undefined {
    const text = this.#all.get(number)
    return text === undefined ? undefined : (JSON.parse(text) as Row)
  }
}
