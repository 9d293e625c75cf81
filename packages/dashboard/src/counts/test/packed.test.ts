import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PackedReader, PackedWriter } from '../packed.ts'
import { packValue, unpackValue } from '../packed-value.ts'

const one = fc.oneof(
  fc.record({ integer: fc.maxSafeNat() }),
  fc.record({ number: fc.double() }),
  fc.record({ bytes: fc.uint8Array({ maxLength: 200 }) }),
  fc.record({ value: fc.dictionary(fc.string(), fc.float()).map((fields) => new Map(Object.entries(fields))) }),
)
type Packed = Partial<{ integer: number; number: number; bytes: Uint8Array; value: unknown }>

function pack({ integer, number, bytes, value }: Packed, into: PackedWriter): void {
  if (integer !== undefined) into.integer(integer)
  else if (number !== undefined) into.number(number)
  else if (bytes !== undefined) into.bytes(bytes)
  else packValue(value, into)
}

function unpacked({ integer, number, bytes }: Packed, from: PackedReader): Packed {
  if (integer !== undefined) return { integer: from.integer() }
  if (number !== undefined) return { number: from.number() }
  return bytes === undefined ? { value: unpackValue(from) } : { bytes: from.bytes() }
}

/** Returns a reader that gets at most `atOnce` bytes at a time. */
function readerOf(bytes: Uint8Array, atOnce: number): PackedReader {
  let at = 0
  return new PackedReader((into) => {
    const next = bytes.subarray(at, at + Math.min(atOnce, into.length))
    at += next.length
    into.set(next)
    return next.length
  })
}

it('what is packed in pieces of any size is read as it was, however few bytes are read at once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(one, fc.boolean())), fc.integer({ min: 1, max: 300 }), (all, atOnce) => {
      const into = new PackedWriter(8)
      const pieces: Buffer[] = []
      for (const [item, isTaken] of all) {
        pack(item, into)
        if (isTaken) pieces.push(Buffer.from(into.take()))
      }
      pieces.push(Buffer.from(into.take()))
      const bytes = Buffer.concat(pieces)
      expect(into.total).toBe(bytes.length)
      for (const from of [new PackedReader(bytes), readerOf(bytes, atOnce)]) {
        const read = all.map(([item]) => unpacked(item, from))
        expect(read).toEqual(all.map(([item]) => item))
        expect(() => from.integer()).toThrow(RangeError)
      }
    }),
  )
})

it('bytes that were read stay as they are', () => {
  const into = new PackedWriter()
  for (let byte = 1; byte <= 3; byte += 1) into.bytes(new Uint8Array(200_000).fill(byte))
  const from = readerOf(into.packed, 200_000)
  const read = [from.bytes(), from.bytes(), from.bytes()]
  for (const [index, bytes] of read.entries()) expect(bytes.every((byte) => byte === index + 1)).toBe(true)
})
