import { deserialize, serialize } from 'node:v8'
import type { PackedReader, PackedWriter } from './packed.ts'

// Apart from the packed numbers: the page counts latencies too, and a browser has no such structures.

/** Packs a value with maps, sets and typed arrays. It should be small: it is in memory a second time meanwhile. */
export function packValue(value: unknown, into: PackedWriter): void {
  into.bytes(serialize(value))
}

/** Returns the next value that {@link packValue} packed. The caller knows its type. */
export function unpackValue<T>(from: PackedReader): T {
  return deserialize(from.bytes()) as T
}
