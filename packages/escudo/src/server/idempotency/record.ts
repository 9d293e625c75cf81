import { read } from '../../errors/safe-read.ts'
import type { Removable } from './store.ts'

/** An answer as it is kept. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string | readonly string[]])[]
  /** The body in base64. */
  readonly body: string
}

/** What the store has for a key. Without an answer, the request still runs, unless the answer was not kept. */
export interface IdempotencyRecord {
  readonly fingerprint: string
  readonly answer?: StoredAnswer
  readonly isLost?: true
}

/** The client may repeat these: the answer of the repeated request counts. 5xx too. */
const REPEATED: ReadonlySet<number> = new Set([408, 425, 429])

/** Whether an answer with this status is kept. */
export function isKept(status: number): boolean {
  return status < 500 && !REPEATED.has(status)
}

/** Reads a record; undefined for anything else. A damaged answer is lost: the request was served. */
export function recordIn(value: unknown): IdempotencyRecord | undefined {
  const fingerprint = read(value, 'fingerprint')
  if (typeof fingerprint !== 'string') return undefined
  const answer = read(value, 'answer')
  if (answer === undefined || isAnswer(answer)) return value as IdempotencyRecord
  return { fingerprint, isLost: true }
}

function isAnswer(answer: unknown): answer is StoredAnswer {
  const [status, headers, body] = [read(answer, 'status'), read(answer, 'headers'), read(answer, 'body')]
  return (
    Number.isInteger(status) &&
    (status as number) >= 200 &&
    (status as number) <= 999 &&
    Array.isArray(headers) &&
    headers.every(isHeader) &&
    typeof body === 'string' &&
    body.length % 4 === 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(body)
  )
}

/** A name and a value that can be sent; a list if the header has several lines. */
function isHeader(header: unknown): boolean {
  if (!Array.isArray(header) || header.length !== 2) return false
  const [name, value] = header as [unknown, unknown]
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return (
    typeof name === 'string' && /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(name) && values.every((text) => isHeaderValue(text))
  )
}

function isHeaderValue(text: unknown): boolean {
  // As Node checks it.
  return typeof text === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}

/** How large a record is, about. */
export function sizeOfRecord(value: unknown): Removable {
  const { answer, isLost } = value as IdempotencyRecord
  if (answer === undefined) return { isRunning: isLost !== true, bytes: 200 }
  const headers = answer.headers.reduce((sum, [name, text]) => sum + name.length + String(text).length, 0)
  return { isRunning: false, bytes: answer.body.length + headers + 400 }
}

/** Of one connection or one request, or made anew for each answer. */
const NOT_REPLAYED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'trailer',
  'upgrade',
  'te',
  'date',
  'age',
  'x-trace-id',
  'traceparent',
  'server-timing',
])

/** The headers of an answer that its replays have too. */
export function replayedHeaders(headers: Iterable<readonly [string, unknown]>): StoredAnswer['headers'] {
  return [...headers].flatMap(([name, value]) => {
    if (value === undefined || value === null || NOT_REPLAYED.has(name.toLowerCase())) return []
    return [[name.toLowerCase(), Array.isArray(value) ? value.map(String) : String(value)] as const]
  })
}
