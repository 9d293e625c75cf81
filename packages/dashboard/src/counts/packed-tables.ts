import type { PackedReader, PackedWriter } from './packed.ts'

/** Numbers whose count never changes. */
export type Table = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array

/** Packs tables. Yields whenever `into` is full. */
export function* packTables(tables: readonly Table[], into: PackedWriter): Generator<void> {
  for (const table of tables) {
    into.bytes(bytesOf(table))
    if (into.isFull) yield
  }
}

/** Fills tables with what {@link packTables} packed. */
export function unpackTables(tables: readonly Table[], from: PackedReader): void {
  for (const table of tables) bytesOf(table).set(from.bytes())
}

/** The same memory. */
function bytesOf({ buffer, byteOffset, byteLength }: Table): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
