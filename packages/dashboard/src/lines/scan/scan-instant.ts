import { IN_DOUBT } from './scan-values.ts'
import { Literal } from './words.ts'

const QUOTE = 34
const ZERO = 48
/** `2026-11-29T09:37` */
const MINUTE_CHARACTERS = 16
/** `2026-11-29T09:37:05.125Z` */
const CHARACTERS = 24

/** Reads times such as `2026-11-29T09:37:05.125Z`, the form of most logs. */
export class InstantScanner {
  // Of the minute that was read last.
  #minute = new Literal(Buffer.from('1970-01-01T00:00'))
  #minuteMs = 0

  /** Reads the time that begins at an offset after its quote into a row. Returns where it ends. */
  read(bytes: Buffer, view: DataView, at: number, ats: Float64Array, row: number): number {
    if (bytes[at + CHARACTERS] !== QUOTE || bytes[at + 16] !== 58 || bytes[at + 19] !== 46 || bytes[at + 23] !== 90)
      return IN_DOUBT
    if (!this.#minute.isAt(view, at) && !this.#readMinute(bytes, at)) return IN_DOUBT
    const s1 = (bytes[at + 17] ?? 0) - ZERO
    const s0 = (bytes[at + 18] ?? 0) - ZERO
    const m2 = (bytes[at + 20] ?? 0) - ZERO
    const m1 = (bytes[at + 21] ?? 0) - ZERO
    const m0 = (bytes[at + 22] ?? 0) - ZERO
    // A negative number is a large one without its sign.
    if (s1 >>> 0 > 5 || s0 >>> 0 > 9 || m2 >>> 0 > 9 || m1 >>> 0 > 9 || m0 >>> 0 > 9) return IN_DOUBT
    ats[row] = this.#minuteMs + s1 * 10_000 + s0 * 1_000 + m2 * 100 + m1 * 10 + m0
    return at + CHARACTERS + 1
  }

  #readMinute(bytes: Buffer, at: number): boolean {
    const text = bytes.toString('latin1', at, at + MINUTE_CHARACTERS)
    const minuteMs = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d$/.test(text) ? Date.parse(`${text}:00.000Z`) : Number.NaN
    if (Number.isNaN(minuteMs)) return false
    this.#minuteMs = minuteMs
    this.#minute = new Literal(bytes.subarray(at, at + MINUTE_CHARACTERS))
    return true
  }
}
