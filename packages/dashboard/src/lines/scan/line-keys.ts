import { ByteNames } from './byte-names.ts'
import { Literal } from './words.ts'

/** The keys of escudo's lines that counting needs. Each has a number, to find a second value of the same key. */
const KNOWN = {
  timestamp: 1,
  event: 2,
  service: 3,
  trace_id: 4,
  span_id: 5,
  parent_span_id: 6,
  route: 7,
  path: 8,
  status_code: 9,
  latency_ms: 10,
  log_level: 11,
  degraded: 12,
  instance: 13,
  hostname: 14,
  pid: 15,
  odd: 16,
} as const

/** The numbers of known keys. */
export const KEY: Readonly<typeof KNOWN> = KNOWN
/** The number of a key whose value does not matter. */
export const SKIPPED = 0

/** Other names of a host: rare enough to be left to the general reader. */
const ODD: readonly string[] = ['host', 'host.name', '_hostname', '_HOSTNAME']
const KEYS_MAX = 512
const QUOTE = 34
const COLON = 58
const HASH_START = 0x811c9dc5 | 0

/** A key that was seen. */
export interface LineKey {
  /** The key with the quote and the colon after it. */
  readonly text: Literal
  /** Its number among the known keys, or {@link SKIPPED}. */
  readonly number: number
  /** The key that came after it last. Lines of one program have the same keys in the same order. */
  next: LineKey | undefined
}

const encoder = new TextEncoder()

/** Recognises keys by their bytes. */
export class LineKeys {
  readonly #names = new ByteNames(KEYS_MAX)
  #keys: (LineKey | undefined)[] = []
  #first: LineKey | undefined

  constructor() {
    this.#reset()
  }

  /** Returns the key that begins at an offset after its quote; undefined in doubt. */
  find(bytes: Uint8Array, view: DataView, start: number, before: LineKey | undefined): LineKey | undefined {
    const expected = before === undefined ? this.#first : before.next
    if (expected?.text.isAt(view, start) === true) return expected
    const found = this.#lookUp(bytes, start)
    if (before === undefined) this.#first = found
    else before.next = found
    return found
  }

  #lookUp(bytes: Uint8Array, start: number): LineKey | undefined {
    let end = start
    let hash = HASH_START
    for (let byte = bytes[end] ?? 0; byte !== QUOTE; byte = bytes[end] ?? 0) {
      if (byte < 32 || byte === 92) return undefined
      hash = Math.imul(hash ^ byte, 0x01000193)
      end += 1
    }
    if (bytes[end + 1] !== COLON) return undefined
    const known = this.#names.find(bytes, start, end, hash)
    if (known !== 0) return this.#keys[known]
    if (this.#names.isFull) this.#reset()
    return this.#add(bytes.slice(start, end), SKIPPED, hash)
  }

  #reset(): void {
    this.#names.clear()
    this.#keys = []
    this.#first = undefined
    for (const [name, number] of Object.entries(KNOWN)) if (name !== 'odd') this.#addKnown(name, number)
    for (const name of ODD) this.#addKnown(name, KNOWN.odd)
  }

  #addKnown(name: string, number: number): void {
    const bytes = encoder.encode(name)
    this.#add(
      bytes,
      number,
      bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), HASH_START),
    )
  }

  #add(bytes: Uint8Array, number: number, hash: number): LineKey | undefined {
    const name = this.#names.add(bytes, 0, bytes.length, hash)
    if (name === 0) return undefined
    const text = new Literal(Uint8Array.of(...bytes, QUOTE, COLON))
    const key: LineKey = { text, number, next: undefined }
    this.#keys[name] = key
    return key
  }
}
