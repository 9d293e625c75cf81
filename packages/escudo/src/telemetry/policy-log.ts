import { type Clock, systemClock } from '../core/clock.ts'
import { withAmbient } from '../core/context/ambient.ts'
import type { ShieldEvent } from '../core/events/events.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../core/options/options.ts'
import { factsOf } from '../errors/error-facts.ts'
import { errorFields, lineNameOf, type PolicyLine, policyLine } from './policy-lines.ts'
import { subscribe } from './subscribe.ts'

/** The methods of a logger that escudo writes to. pino has them. */
export interface LineLogger {
  debug(fields: object, event: string): void
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
  fatal(fields: object, event: string): void
  /** Whether lines of a level are written, by the name of its method. Optional; without it, all are. */
  isLevelEnabled?(level: string): boolean
}

/** Options of {@link logPolicyEvents}. */
export interface PolicyLogOptions {
  /** How many lines of one event a shield may write in 10 s. Default 10. The rest is counted in `policy.summary`. */
  readonly linesMax?: number
  /** The source of time for these 10 s. Default: the system's clock. */
  readonly clock?: Clock
}

const PATH = 'logPolicyEvents'
const WINDOW_MS = 10_000
/** Shields beyond this number share one entry of the window, so that its memory is bounded. */
const SHIELDS_MAX = 1_000
const METHODS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const

/**
 * Logs the events of every shield: `circuit_breaker.state_change`, `retry.attempt`, `fallback` and others.
 *
 * In an outage, every call retries, times out or falls back. Only the first lines of an event are written for each
 * shield in 10 s. One line, `policy.summary`, then counts the rest and has the last error. It also counts the events
 * whose level the logger does not write, such as refusals. `executed` is not logged, because it happens on every call.
 *
 * @returns a function that stops the logging, and writes the summaries that are due
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createLogger, logPolicyEvents } from 'escudo/pino'
 *
 * const stop = logPolicyEvents(createLogger({ service: 'potion-shop' }), { linesMax: 100 })
 * stop()
 * ```
 */
export function logPolicyEvents(logger: LineLogger, options: PolicyLogOptions = {}): () => void {
  for (const method of Object.values(METHODS)) {
    if (typeof logger?.[method] !== 'function') {
      throw new ConfigurationError(`${PATH}.logger`, `expected a logger with ${method}(), got ${show(logger)}`)
    }
  }
  knownKeys(options, PATH, ['linesMax', 'clock'])
  const linesMax = wholeNumber(options.linesMax ?? 10, `${PATH}.linesMax`, 0)
  const window = new LineWindow(logger, linesMax, options.clock ?? systemClock)
  const unsubscribe = subscribe((event) => window.add(event))
  const end = (): void => window.end()
  // A process that exits during an outage would lose the counts.
  process.on('exit', end)
  return () => {
    process.off('exit', end)
    unsubscribe()
    end()
  }
}

/** What one shield did in the current window. */
class ShieldWindow {
  readonly written = new Map<string, number>()
  readonly omitted = new Map<string, number>()
  /** The level of the summary. Refusals alone are no warning: they are what the policy is for. */
  level: 'info' | 'warning' = 'info'
  #lastError: { readonly error: unknown; readonly isRefusal: boolean } | undefined

  /** Keeps the last error, and prefers a cause: that a circuit is open says nothing about the dependency. */
  remember(error: unknown): void {
    const isRefusal = factsOf(error)?.refusal === true
    if (isRefusal && this.#lastError?.isRefusal === false) return
    this.#lastError = { error, isRefusal }
  }

  errorFields(): Readonly<Record<string, unknown>> {
    return this.#lastError === undefined ? {} : errorFields(this.#lastError.error)
  }
}

/** Ten seconds, from the first event on. Without events there is no timer. */
class LineWindow {
  readonly #logger: LineLogger
  readonly #linesMax: number
  readonly #clock: Clock
  readonly #shields = new Map<string, ShieldWindow>()
  #cancelTimer: (() => void) | undefined

  constructor(logger: LineLogger, linesMax: number, clock: Clock) {
    this.#logger = logger
    this.#linesMax = linesMax
    this.#clock = clock
  }

  add(event: ShieldEvent): void {
    this.#cancelTimer ??= this.#startTimer()
    const line = lineNameOf(event)
    const entry = this.#entryOf(event.shield)
    if ('error' in event) entry.remember(event.error)
    const written = entry.written.get(line.event) ?? 0
    if (written < this.#linesMax && this.#isWritten(line)) {
      entry.written.set(line.event, written + 1)
      this.#write(policyLine(event))
      return
    }
    if (line.level !== 'debug') entry.level = 'warning'
    entry.omitted.set(line.event, (entry.omitted.get(line.event) ?? 0) + 1)
  }

  /** Writes the summaries. The next event starts a new window. */
  end(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const shields = [...this.#shields]
    this.#shields.clear()
    for (const [shield, entry] of shields) {
      if (entry.omitted.size === 0) continue
      const counts = Object.fromEntries(entry.omitted)
      const fields = { shield, counts, window_ms: WINDOW_MS, ...entry.errorFields() }
      this.#write({ level: entry.level, event: 'policy.summary', fields })
    }
  }

  #startTimer(): () => void {
    // Outside the request of the first event: the summary belongs to many requests.
    return withAmbient(undefined, () => this.#clock.setTimer(() => this.end(), WINDOW_MS, { background: true }))
  }

  #entryOf(shield: string): ShieldWindow {
    const existing = this.#shields.get(shield)
    if (existing !== undefined) return existing
    if (this.#shields.size >= SHIELDS_MAX && shield !== OTHERS) return this.#entryOf(OTHERS)
    const entry = new ShieldWindow()
    this.#shields.set(shield, entry)
    return entry
  }

  #isWritten({ level }: Pick<PolicyLine, 'level'>): boolean {
    return this.#logger.isLevelEnabled?.(METHODS[level]) ?? true
  }

  #write({ level, event, fields }: PolicyLine): void {
    this.#logger[METHODS[level]](fields, event)
  }
}

/** The shield of a summary for all shields beyond the bound. */
const OTHERS = '(others)'
