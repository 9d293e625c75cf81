import { type PackedReader, PackedWriter } from '../../counts/packed.ts'
import type { CacheFile } from '../cache-file.ts'

const NUMBERS = 500_000

/** Yields a state of one number, many times, in pieces of one writer. */
export function* numbered(number: number, count: number = NUMBERS): Generator<Uint8Array> {
  const into = new PackedWriter()
  into.integer(count)
  for (let left = count; left > 0; left -= 1) {
    into.number(number)
    if (into.isFull) yield into.take()
  }
  yield into.take()
}

/** Returns the number of a stored state; undefined if none is stored. Throws if it is not the same all the time. */
export async function numberIn(file: CacheFile): Promise<number | undefined> {
  let number: number | undefined
  await file.read(async (from: PackedReader) => {
    for (let left = from.integer(); left > 0; left -= 1) {
      const one = from.number()
      number ??= one
      if (one !== number) throw new Error(`${number} and ${one} in one state`)
    }
  })
  return number
}
