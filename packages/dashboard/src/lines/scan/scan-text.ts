import { addToHash, finishHash, HASH_START } from '../../traces/trace-filter.ts'
import type { Name } from './byte-names.ts'
import { IN_DOUBT } from './scan-values.ts'
import { bytesBefore, endsAscii } from './words.ts'

const QUOTE = 34

/** Reads texts that are ASCII and have no escapes. It is the name that it read last. */
export class TextScanner implements Name {
  start = 0
  end = 0
  hash = 0
  rest = 0

  /** Reads the text that begins at an offset. Returns where it ends, before its quote. */
  read(bytes: Buffer, view: DataView, start: number): number {
    let end = start | 0
    let hash = HASH_START
    let word = view.getInt32(end, true)
    let found = endsAscii(word)
    while (found === 0) {
      hash = addToHash(hash, word)
      end = (end + 4) | 0
      word = view.getInt32(end, true)
      found = endsAscii(word)
    }
    const before = bytesBefore(found)
    end = (end + before) | 0
    if (bytes[end] !== QUOTE) return IN_DOUBT
    const rest = word & ((1 << (before << 3)) - 1)
    this.start = start
    this.end = end
    this.hash = finishHash(hash, rest, end - start)
    this.rest = rest
    return end
  }
}
