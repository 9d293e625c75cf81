import { addToHash, finishHash, HASH_START } from '../../traces/trace-filter.ts'
import type { Name } from './byte-names.ts'
import { endsAscii } from './words.ts'

const QUOTE = 34

/** Reads texts that are ASCII and have no escapes. */
export class TextScanner {
  readonly #name: Name = { start: 0, end: 0, hash: 0, rest: 0 }

  /** Reads the text that begins at an offset; undefined in doubt. The result is valid until the next call. */
  read(bytes: Buffer, view: DataView, start: number): Name | undefined {
    let end = start
    let hash = HASH_START
    for (let word = view.getInt32(end, true); endsAscii(word) === 0; word = view.getInt32(end, true)) {
      hash = addToHash(hash, word)
      end += 4
    }
    let rest = 0
    for (let byte = bytes[end] ?? 0, shift = 0; byte !== QUOTE; byte = bytes[end] ?? 0, shift += 8) {
      if (byte < 32 || byte > 126 || byte === 92) return undefined
      rest |= byte << shift
      end += 1
    }
    const name = this.#name
    name.start = start
    name.end = end
    name.hash = finishHash(hash, rest, end - start)
    name.rest = rest
    return name
  }
}
