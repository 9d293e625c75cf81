import type { Kind } from 'escudo/errors'
import type { LineSink } from 'escudo/pino'

/** More codes than a service has; further codes are counted as {@link OTHER}. */
const CODES_MAX = 200
const OTHER = 'OTHER'
const WINDOW_S = 60
/** Technical errors within the window that fire the alert. */
const ALERT_THRESHOLD = 5
/** The logged status when the client closed the connection: no error was sent. */
const CLIENT_CLOSED_REQUEST = 499

/**
 * The facts of an error in the lines of escudo, which begin with them. No text can imitate it: a quotation mark in a
 * value is escaped.
 */
const FACTS =
  /^\{"timestamp":"[^"]*","log_level":"[a-z]+","event":"http_error",[^{}]*?"status_code":(\d{3}),"detail":"(?:[^"\\]|\\.)*","error_code":"([A-Z0-9_]+)","error_kind":"(business|technical)"/

/** The lines of escudo begin with their time, level and event. */
const EVENT = ',"event":"'
const EVENT_AT_MAX = 80

/** The errors of one kind. */
export interface KindCounts {
  readonly total: number
  readonly by_code: Readonly<Record<string, number>>
}

/** How many errors have one code. An object, so that a known code costs one look-up. */
interface Count {
  errors: number
}

/** The status of {@link ErrorCounts}, as JSON. */
export interface ErrorCountsStatus {
  /** Start of the counts, as an ISO date. */
  readonly since: string
  readonly business: KindCounts
  readonly technical: KindCounts
  /** Whether to wake the person on call. Business errors never do. */
  readonly alert: {
    readonly window_s: number
    /** Technical errors within the window. */
    readonly technical: number
    readonly threshold: number
    readonly firing: boolean
  }
}

/**
 * 4.3: counts error answers by kind and code. It reads the `http_error` lines of the log, so that counts and log always
 * agree.
 */
export class ErrorCounts implements LineSink {
  readonly #since = new Date().toISOString()
  readonly #counts = { business: new Map<string, Count>(), technical: new Map<string, Count>() }
  /** Technical errors by second, the last {@link WINDOW_S} of them. */
  readonly #perSecond = Array.from({ length: WINDOW_S }, () => ({ second: -1, count: 0 }))
  readonly #nowMs: () => number

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Reads one log line. Most lines without an error cost the search for their event. */
  write(line: string): void {
    const at = line.startsWith('{"timestamp":"') ? line.indexOf(EVENT) + EVENT.length : EVENT_AT_MAX
    const isError = at < EVENT_AT_MAX ? line.startsWith('http_error"', at) : line.includes('"event":"http_error"')
    if (!isError) return
    const facts = FACTS.exec(line)
    if (facts !== null) {
      const [, status, code = '', kind] = facts
      if (Number(status) !== CLIENT_CLOSED_REQUEST) this.#count(kind as Kind, code)
      return
    }
    // Another order of the fields, as with a path to redact.
    const { event, error_kind, error_code, status_code } = JSON.parse(line) as Readonly<Record<string, unknown>>
    // A client can put the searched text into another line.
    if (event !== 'http_error' || status_code === CLIENT_CLOSED_REQUEST || typeof error_code !== 'string') return
    if (error_kind === 'business' || error_kind === 'technical') this.#count(error_kind, error_code)
  }

  status(): ErrorCountsStatus {
    const oldest = this.#second() - WINDOW_S
    const recent = this.#perSecond.filter(({ second }) => second > oldest)
    const technical = recent.reduce((sum, { count }) => sum + count, 0)
    return {
      since: this.#since,
      business: toKindCounts(this.#counts.business),
      technical: toKindCounts(this.#counts.technical),
      alert: { window_s: WINDOW_S, technical, threshold: ALERT_THRESHOLD, firing: technical >= ALERT_THRESHOLD },
    }
  }

  #count(kind: Kind, code: string): void {
    const counts = this.#counts[kind]
    const count = counts.get(code)
    if (count !== undefined) count.errors += 1
    else addCode(counts, code)
    if (kind === 'technical') this.#countForAlert()
  }

  #countForAlert(): void {
    const second = this.#second()
    const bucket = this.#perSecond[second % WINDOW_S]
    if (bucket === undefined) return
    if (bucket.second !== second) {
      bucket.second = second
      bucket.count = 0
    }
    bucket.count += 1
  }

  #second(): number {
    return Math.floor(this.#nowMs() / 1_000)
  }
}

function addCode(counts: Map<string, Count>, code: string): void {
  if (counts.size < CODES_MAX) counts.set(code, { errors: 1 })
  else counts.set(OTHER, { errors: (counts.get(OTHER)?.errors ?? 0) + 1 })
}

function toKindCounts(counts: ReadonlyMap<string, Count>): KindCounts {
  const total = [...counts.values()].reduce((sum, { errors }) => sum + errors, 0)
  return { total, by_code: Object.fromEntries([...counts].map(([code, { errors }]) => [code, errors])) }
}
