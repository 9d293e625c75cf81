import type { Kind } from 'escudo/errors'
import type { LineSink } from 'escudo/pino'

/** More codes than a service has; what comes beyond them is counted together. */
const CODES_MAX = 200
const OTHER = 'OTHER'
const WINDOW_S = 60
/** So many technical errors within the window are more than a hiccup. */
const ALERT_FROM = 5
/** In the log for a client that went away: nobody was answered, so no answer was an error. */
const CLIENT_CLOSED_REQUEST = 499

/** The errors of one kind. */
export interface KindCounts {
  readonly total: number
  readonly by_code: Readonly<Record<string, number>>
}

/** What {@link ErrorCounts} knows, as JSON. */
export interface ErrorCountsStatus {
  /** Since when it counts: the start of the process. */
  readonly since: string
  readonly business: KindCounts
  readonly technical: KindCounts
  /** Whether somebody should be woken. Business errors never do that. */
  readonly alert: {
    readonly window_s: number
    /** Technical errors within the window. */
    readonly technical: number
    readonly threshold: number
    readonly firing: boolean
  }
}

/**
 * 4.3: counts the errors that were answered, by kind and code. It reads the lines `http_error` of the log, so that the
 * numbers and the log never tell different stories.
 */
export class ErrorCounts implements LineSink {
  readonly #since = new Date().toISOString()
  readonly #counts = { business: new Map<string, number>(), technical: new Map<string, number>() }
  /** Technical errors by second, the last {@link WINDOW_S} of them. */
  readonly #perSecond = Array.from({ length: WINDOW_S }, () => ({ second: -1, count: 0 }))
  readonly #nowMs: () => number

  /** @param nowMs a clock that only moves forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Reads one line of the log; all but those about errors cost no more than a search. */
  write(line: string): void {
    if (!line.includes('"event":"http_error"')) return
    const { event, error_kind, error_code, status_code } = JSON.parse(line) as Readonly<Record<string, unknown>>
    // The search may also find what a client put into some other line.
    if (event !== 'http_error' || status_code === CLIENT_CLOSED_REQUEST || typeof error_code !== 'string') return
    if (error_kind === 'business' || error_kind === 'technical') this.#count(error_kind, error_code)
  }

  status(): ErrorCountsStatus {
    const oldest = this.#second() - WINDOW_S
    const recent = this.#perSecond.filter(({ second }) => second > oldest)
    const technical = recent.reduce((sum, { count }) => sum + count, 0)
    return {
      since: this.#since,
      business: shown(this.#counts.business),
      technical: shown(this.#counts.technical),
      alert: { window_s: WINDOW_S, technical, threshold: ALERT_FROM, firing: technical >= ALERT_FROM },
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
    const slot = this.#perSecond[second % WINDOW_S]
    if (slot === undefined) return
    if (slot.second !== second) {
      slot.second = second
      slot.count = 0
    }
    slot.count += 1
  }

  #second(): number {
    return Math.floor(this.#nowMs() / 1_000)
  }
}

function shown(counts: ReadonlyMap<string, number>): KindCounts {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { total, by_code: Object.fromEntries(counts) }
}
