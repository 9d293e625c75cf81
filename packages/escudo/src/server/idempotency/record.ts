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

/** Reads a record; undefined for anything else. */
export function recordIn(value: unknown): IdempotencyRecord | undefined {
  return typeof read(value, 'fingerprint') === 'string' ? (value as IdempotencyRecord) : undefined
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
