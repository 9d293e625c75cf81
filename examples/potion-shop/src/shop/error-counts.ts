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

/** The errors of one kind. */
export interface KindCounts {
  readonly total: number
  readonly by_code: Readonly<Record<string, number>>
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
  readonly #counts = { business: new Map<string, number>(), technical: new Map<string, number>() }
  /** Technical errors by second, the last {@link WINDOW_S} of them. */
  readonly #perSecond = Array.from({ length: WINDOW_S }, () => ({ second: -1, count: 0 }))
  readonly #nowMs: () => number

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Reads one log line. Lines without an error cost one string search. */
  write(line: string): void {
    if (!line.includes('"event":"http_error"')) return
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
    const key = counts.has(code) || counts.size < CODES_MAX ? code : OTHER
    counts.set(key, (counts.get(key) ?? 0) + 1)
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

function toKindCounts(counts: ReadonlyMap<string, number>): KindCounts {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { total, by_code: Object.fromEntries(counts) }
}
