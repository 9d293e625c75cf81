import { bytesBefore, endsText, Literal } from './words.ts'

/** What a scanner returns instead of an offset when it cannot tell. */
export const IN_DOUBT = -1

const QUOTE = 34
const MINUS = 45
const DOT = 46
const ZERO = 48
const NINE = 57
/** With more digits, a number is not exact in the arithmetic below. */
const DIGITS_MAX = 15

export const NULL: Literal = new Literal(Buffer.from('null'))
const TRUE = new Literal(Buffer.from('true'))
const FALSE = new Literal(Buffer.from('false'))

const POWERS = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent)

/** Returns where a text ends whose first character is at `at`; after its quote. */
export function stringEnd(bytes: Uint8Array, view: DataView, at: number): number {
  let end = at | 0
  let found = endsText(view.getInt32(end, true))
  while (found === 0) {
    end = (end + 4) | 0
    found = endsText(view.getInt32(end, true))
  }
  end = (end + bytesBefore(found)) | 0
  return bytes[end] === QUOTE ? end + 1 : IN_DOUBT
}

/** Returns where a value ends that does not matter: a text, a number, `true`, `false` or `null`. */
export function skippedEnd(bytes: Uint8Array, view: DataView, at: number): number {
  const first = bytes[at] ?? 0
  if (first === QUOTE) return stringEnd(bytes, view, at + 1)
  if (first === MINUS || (first >= ZERO && first <= NINE)) return numberEnd(bytes, at)
  if (first === 116) return literalEnd(view, at, TRUE)
  if (first === 102) return literalEnd(view, at, FALSE)
  return first === 110 ? literalEnd(view, at, NULL) : IN_DOUBT
}

/** Whether a value begins that is no text. What is before a text begins like what is before another value. */
export function isBareAt(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]
  return byte !== QUOTE && byte !== 32
}

/** Returns where a literal ends. */
export function literalEnd(view: DataView, at: number, literal: Literal): number {
  return literal.isAt(view, at) ? at + literal.length : IN_DOUBT
}

/** Returns where a number ends. Exponents are rare, and left to the general reader. */
function numberEnd(bytes: Uint8Array, at: number): number {
  let end = bytes[at] === MINUS ? at + 1 : at
  const isZero = bytes[end] === ZERO
  const whole = digitsEnd(bytes, end)
  if (whole === end || (isZero && whole > end + 1)) return IN_DOUBT
  end = whole
  if (bytes[end] !== DOT) return afterNumber(bytes, end)
  const fraction = digitsEnd(bytes, end + 1)
  return fraction === end + 1 ? IN_DOUBT : afterNumber(bytes, fraction)
}

function afterNumber(bytes: Uint8Array, end: number): number {
  const next = bytes[end] ?? 0
  return next === 69 || next === 101 ? IN_DOUBT : end
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let end = at
  for (let byte = bytes[end] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[end] ?? 0) end += 1
  return end
}

/** Reads numbers that are not negative and have no exponent. */
export class NumberScanner {
  /** The number that was read last. */
  value = 0

  /** Returns where the number ends. */
  read(bytes: Uint8Array, start: number): number {
    let at = start
    let value = 0
    for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[at] ?? 0) {
      value = value * 10 + (byte - ZERO)
      at += 1
    }
    const digits = at - start
    if (digits === 0 || (digits > 1 && bytes[start] === ZERO)) return IN_DOUBT
    if (bytes[at] !== DOT) {
      this.value = value
      return digits > DIGITS_MAX ? IN_DOUBT : afterNumber(bytes, at)
    }
    at += 1
    const fraction = at
    for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[at] ?? 0) {
      value = value * 10 + (byte - ZERO)
      at += 1
    }
    const places = at - fraction
    if (places === 0 || digits + places > DIGITS_MAX) return IN_DOUBT
    // Both are exact, so the quotient is what JSON.parse returns: the nearest number.
    this.value = value / (POWERS[places] ?? 1)
    return afterNumber(bytes, at)
  }
}
