import { addToHash, finishHash, HASH_START } from '../../traces/trace-filter.ts'
import { ByteNames, type Name } from './byte-names.ts'
import { type RunKey, Runs } from './line-runs.ts'
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
  // What only failed requests have. Of the messages, the one with the lowest number counts.
  error_code: 17,
  error_kind: 18,
  detail: 19,
  error_message: 20,
  message: 21,
  msg: 22,
} as const

/** The numbers of known keys. */
export const KEY: Readonly<typeof KNOWN> = KNOWN
/** The number of a key whose value does not matter. */
export const SKIPPED = 0

/** Other names of a host: rare enough to be left to the general reader. */
const ODD: readonly string[] = ['host', 'host.name', '_hostname', '_HOSTNAME']
const KEYS_MAX = 512
/** A longer value is looked up each time. */
const VALUE_BYTES_MAX = 60
const QUOTE = 34
const COLON = 58

const VALUES = 8
/** The known keys whose values lines share. */
const SHARED: ReadonlySet<number> = new Set([
  ...[SKIPPED, KNOWN.event, KNOWN.service, KNOWN.route, KNOWN.status_code, KNOWN.log_level, KNOWN.degraded],
  ...[KNOWN.instance, KNOWN.hostname, KNOWN.pid],
])

/** A key that was seen. */
export class LineKey implements RunKey {
  /** The key with the quote and the colon after it. */
  readonly text: Literal
  /** Its number among the known keys, or {@link SKIPPED}. */
  readonly number: number
  /** The key that came after it last. Lines of one program have the same keys in the same order. */
  next: LineKey | undefined = undefined
  differs: number
  /** What came after its value, if that differs. */
  readonly runs = new Runs<LineKey>()
  // Its last values, by their first four bytes. Most names are among a few.
  readonly #values: (KnownValue | undefined)[] = new Array<KnownValue | undefined>(VALUES).fill(undefined)

  constructor(text: Literal, number: number) {
    this.text = text
    this.number = number
    this.differs = SHARED.has(number) ? 0 : 1
  }

  /** Returns a value that is at an offset, if it was there lately. */
  known(view: DataView, at: number): KnownValue | undefined {
    const value = this.#values[placeOf(view, at)]
    return value?.text.isAt(view, at) === true ? value : undefined
  }

  /** Remembers a value from its first byte to its quote. `number` is its number. */
  learn(bytes: Buffer, view: DataView, start: number, end: number, number: number): void {
    if (end - start > VALUE_BYTES_MAX) return
    this.#values[placeOf(view, start)] = { text: new Literal(bytes.subarray(start, end + 1)), number }
  }
}

/** A value with its quote, and its number. */
export interface KnownValue {
  readonly text: Literal
  readonly number: number
}

function placeOf(view: DataView, at: number): number {
  return Math.imul(view.getInt32(at, true), 0x9e3779b1) >>> 29
}

const encoder = new TextEncoder()

/** Recognises keys by their bytes. */
export class LineKeys {
  readonly #names = new ByteNames(KEYS_MAX)
  #keys: (LineKey | undefined)[] = []
  #first: LineKey | undefined
  #runs = new Runs<LineKey>()

  constructor() {
    this.#reset()
  }

  /** What lines begin with. */
  get runs(): Runs<LineKey> {
    return this.#runs
  }

  /** Returns the key that begins at an offset after its quote; undefined in doubt. */
  find(bytes: Uint8Array, view: DataView, start: number, before: LineKey | undefined): LineKey | undefined {
    const expected = before === undefined ? this.#first : before.next
    if (expected?.text.isAt(view, start) === true) return expected
    const found = this.#lookUp(bytes, view, start)
    if (before === undefined) this.#first = found
    else before.next = found
    return found
  }

  #lookUp(bytes: Uint8Array, view: DataView, start: number): LineKey | undefined {
    let end = start
    for (let byte = bytes[end] ?? 0; byte !== QUOTE; byte = bytes[end] ?? 0) {
      if (byte < 32 || byte === 92) return undefined
      end += 1
    }
    if (bytes[end + 1] !== COLON) return undefined
    const name = nameOf(view, start, end)
    const known = this.#names.find(view, name)
    if (known !== 0) return this.#keys[known]
    if (this.#names.isFull) this.#reset()
    return this.#add(bytes.slice(start, end), view, name, SKIPPED)
  }

  #reset(): void {
    this.#names.clear()
    this.#keys = []
    this.#first = undefined
    this.#runs = new Runs<LineKey>()
    for (const [name, number] of Object.entries(KNOWN)) if (name !== 'odd') this.#addKnown(name, number)
    for (const name of ODD) this.#addKnown(name, KNOWN.odd)
  }

  #addKnown(text: string, number: number): void {
    const bytes = encoder.encode(text)
    const view = new DataView(bytes.buffer)
    this.#add(bytes, view, nameOf(view, 0, bytes.length), number)
  }

  #add(bytes: Uint8Array, view: DataView, name: Name, number: number): LineKey | undefined {
    const added = this.#names.add(view, name)
    if (added === 0) return undefined
    const key = new LineKey(new Literal(Uint8Array.of(...bytes, QUOTE, COLON)), number)
    this.#keys[added] = key
    return key
  }
}

function nameOf(view: DataView, start: number, end: number): Name {
  let hash = HASH_START
  let at = start
  for (; at + 4 <= end; at += 4) hash = addToHash(hash, view.getInt32(at, true))
  let rest = 0
  for (let shift = 0; at < end; at += 1, shift += 8) rest |= view.getUint8(at) << shift
  return { start, end, hash: finishHash(hash, rest, end - start), rest }
}
