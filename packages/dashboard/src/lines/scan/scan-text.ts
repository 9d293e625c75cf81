import { addToHash, finishHash, HASH_START } from '../../traces/trace-filter.ts'
import type { Name } from './byte-names.ts'
import { bytesBefore, endsAscii } from './words.ts'

const QUOTE = 34

/** Reads texts that are ASCII and have no escapes. */
export class TextScanner {
  readonly #name: Name = { start: 0, end: 0, hash: 0, rest: 0 }

  /** Reads the text that begins at an offset; undefined in doubt. The result is valid until the next call. */
  read(bytes: Buffer, view: DataView, start: number): Name | undefined {
    let end = start
    let hash = HASH_START
    let word = view.getInt32(end, true)
    let found = endsAscii(word)
    while (found === 0) {
      hash = addToHash(hash, word)
      end += 4
      word = view.getInt32(end, true)
      found = endsAscii(word)
    }
    const before = bytesBefore(found)
    end += before
    if (bytes[end] !== QUOTE) return undefined
    const rest = word & ((1 << (before << 3)) - 1)
    const name = this.#name
    name.start = start
    name.end = end
    name.hash = finishHash(hash, rest, end - start)
    name.rest = rest
    return name
  }
}
