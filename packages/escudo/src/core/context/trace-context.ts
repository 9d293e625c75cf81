import type { Ambient } from './ambient.ts'

/** The part of a request's context that describes its trace. */
export type TraceContext = Pick<
  Ambient,
  'traceId' | 'spanId' | 'parentSpanId' | 'traceFlags' | 'traceState' | 'baggage'
>

// W3C Trace Context, https://www.w3.org/TR/trace-context/: version "-" trace id "-" parent id "-" flags. Version 00 has
// exactly 55 characters. A higher version may continue after a further dash. Version ff is forbidden.
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const LENGTH_OF_VERSION_00 = 55
const SAMPLED = 1
// The flags that W3C defines: sampled, and `random` of level 2. A sender must clear all others (3.2.2.5 of level 1).
const KNOWN_FLAGS = 0b11

/** Parses a `traceparent` header. Returns undefined if it is invalid: a new trace starts then. */
export function parseTraceparent(
  header: unknown,
): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number } | undefined {
  if (typeof header !== 'string' || header.length > 512) return undefined
  const match = TRACEPARENT.exec(header)
  if (match === null) return undefined
  const [, version, traceId, spanId, flags] = match as unknown as [string, string, string, string, string]
  if (version === 'ff' || traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  if (version === '00' && header.length !== LENGTH_OF_VERSION_00) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) }
}

/** Formats the `traceparent` header for a request to another service. Clears flags that W3C has not defined. */
export function formatTraceparent(context: Pick<TraceContext, 'traceId' | 'spanId' | 'traceFlags'>): string {
  return `00-${context.traceId}-${context.spanId}-${hex(context.traceFlags & KNOWN_FLAGS, 2)}`
}

/**
 * Continues the trace in the headers, or starts a new one. The span is always new.
 *
 * A `tracestate` above 512 characters and a `baggage` above 8,192 characters are dropped. Without a valid `traceparent`
 * both are dropped.
 */
export function continueTrace(headers: {
  readonly traceparent?: unknown
  readonly tracestate?: unknown
  readonly baggage?: unknown
}): TraceContext {
  const inbound = parseTraceparent(headers.traceparent)
  if (inbound === undefined) return { traceId: newTraceId(), spanId: newSpanId(), traceFlags: SAMPLED }
  return {
    traceId: inbound.traceId,
    spanId: newSpanId(),
    parentSpanId: inbound.spanId,
    traceFlags: inbound.traceFlags,
    traceState: shortText(headers.tracestate, 512),
    baggage: shortText(headers.baggage, 8_192),
  }
}

/** Returns the trace id of a sampled trace. Returns undefined for other traces, because they cannot be looked up. */
export function sampledTrace(context: Pick<TraceContext, 'traceId' | 'traceFlags'> | undefined): string | undefined {
  return context !== undefined && (context.traceFlags & SAMPLED) === SAMPLED ? context.traceId : undefined
}

/** Creates a trace id: 32 hexadecimal digits, never all zero. */
export function newTraceId(): string {
  return randomHex(traceDigits)
}

/** Creates a span id: 16 hexadecimal digits, never all zero. */
export function newSpanId(): string {
  return randomHex(spanDigits)
}

// The pool holds random bytes for many ids, because a call of the generator costs far more than a byte.
const POOL_BYTES = 4_096
const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES

// The characters of the digits. Filled anew for each id, so that an id is one flat string and nothing else.
const traceDigits = new Array<number>(32).fill(0)
const spanDigits = new Array<number>(16).fill(0)

function randomHex(digits: number[]): string {
  const bytes = digits.length / 2
  if (used + bytes > POOL_BYTES) {
    crypto.getRandomValues(pool)
    used = 0
  }
  let all = 0
  for (let index = 0; index < bytes; index += 1) {
    const byte = pool[used + index] as number
    all |= byte
    digits[2 * index] = digitOf(byte >> 4)
    digits[2 * index + 1] = digitOf(byte & 15)
  }
  used += bytes
  return all === 0 ? randomHex(digits) : String.fromCharCode.apply(null, digits)
}

/** The character code of a hexadecimal digit: `0` is 48, `a` is 97. */
function digitOf(value: number): number {
  return value < 10 ? value + 48 : value + 87
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function shortText(value: unknown, lengthMax: number): string | undefined {
  return typeof value === 'string' && value.length <= lengthMax ? value : undefined
}
