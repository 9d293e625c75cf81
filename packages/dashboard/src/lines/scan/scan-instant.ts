import { IN_DOUBT } from './scan-values.ts'

const QUOTE = 34
const ZERO = 48
/** `2026-11-29T09:37` */
const MINUTE_CHARACTERS = 16
/** `2026-11-29T09:37:05.125Z` */
const CHARACTERS = 24

/** Reads times such as `2026-11-29T09:37:05.125Z`, the form of most logs. */
export class InstantScanner {
  readonly #minute = new Uint8Array(MINUTE_CHARACTERS)
  #minuteMs = Number.NaN

  /** Reads the time that begins at an offset after its quote into a row. Returns where it ends. */
  read(bytes: Buffer, at: number, ats: Float64Array, row: number): number {
    if (bytes[at + CHARACTERS] !== QUOTE || bytes[at + 16] !== 58 || bytes[at + 19] !== 46 || bytes[at + 23] !== 90)
      return IN_DOUBT
    for (let index = 0; index < MINUTE_CHARACTERS; index += 1)
      if (bytes[at + index] !== this.#minute[index]) {
        if (!this.#readMinute(bytes, at)) return IN_DOUBT
        break
      }
    const seconds = number(bytes, at + 17, 2)
    const ms = number(bytes, at + 20, 3)
    if (seconds < 0 || seconds > 59 || ms < 0) return IN_DOUBT
    ats[row] = this.#minuteMs + seconds * 1_000 + ms
    return at + CHARACTERS + 1
  }

  #readMinute(bytes: Buffer, at: number): boolean {
    const text = bytes.toString('latin1', at, at + MINUTE_CHARACTERS)
    const minuteMs = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d$/.test(text) ? Date.parse(`${text}:00.000Z`) : Number.NaN
    if (Number.isNaN(minuteMs)) return false
    this.#minuteMs = minuteMs
    this.#minute.set(bytes.subarray(at, at + MINUTE_CHARACTERS))
    return true
  }
}

/** Reads digits; negative if one of them is none. */
function number(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0
  for (let index = 0; index < digits; index += 1) {
    const digit = (bytes[at + index] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
