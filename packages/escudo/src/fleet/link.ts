import { systemClock } from '../core/clock.ts'
import { withAmbient } from '../core/context/ambient.ts'
import { TimeoutError } from '../core/errors.ts'
import type { Outcome, Verdict } from '../core/outcome.ts'
import { shield } from '../core/shield.ts'
import type { Shield } from '../core/shield-types.ts'
import { verdictOfError } from '../errors/classification.ts'
import { circuitBreaker } from '../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../policies/circuit-breaker/state/trips/trip.ts'
import { enclosure, outsideCalls } from '../policies/shared/enclosures.ts'
import { timeout } from '../policies/timeout/timeout.ts'
import type { RunScript, Script } from './client.ts'

const FAILURES_BEFORE_OPEN = 3
/** Timeouts that are found closer together than this have one cause. */
const ONE_CAUSE_MS = 10
const OPEN_MS_MIN = 200
const OPEN_MS_MAX = 600

/**
 * The connection of a fleet to Redis.
 *
 * Every question runs through a shield: it ends after the timeout, and a Redis that does not answer is left alone until
 * it does. Each instance asks again at another moment.
 */
export class Link {
  readonly #shield: Shield
  readonly #run: RunScript
  readonly #onChange: (isLost: boolean) => void
  #isLost = false
  #isClosed = false
  #timedOutMs = Number.NEGATIVE_INFINITY

  /** @param onChange called when Redis is lost, and when it answers again */
  constructor(name: string, run: RunScript, timeoutMs: number, onChange: (isLost: boolean) => void) {
    this.#run = run
    this.#onChange = onChange
    const openFor = (): number => OPEN_MS_MIN + Math.random() * (OPEN_MS_MAX - OPEN_MS_MIN)
    const breaker = circuitBreaker({
      trip: consecutive(FAILURES_BEFORE_OPEN),
      openFor,
      classify: (outcome) => this.#verdictOf(outcome),
    })
    breaker.on('stateChange', ({ to }) => {
      if (to === 'open') this.#changeTo(true)
      else if (to === 'closed') this.#changeTo(false)
    })
    this.#shield = shield(name, breaker, timeout(timeoutMs))
  }

  /** Whether Redis does not answer. */
  get isLost(): boolean {
    return this.#isLost || this.#isClosed
  }

  /** Runs a script. It belongs to no call, though a call may be the reason for it. */
  ask(script: Script, key: string, args: readonly (string | number)[]): Promise<unknown> {
    return this.askTexts(script, key, args.map(String))
  }

  /** Runs a script whose arguments are text already. */
  askTexts(script: Script, key: string, texts: readonly string[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error('the fleet is closed'))
    const send = (): Promise<unknown> => this.#shield.run(() => this.#run(script, key, texts))
    // To enter a context costs more than to read it, and outside all contexts there is no call.
    return withAmbient(undefined, () => (enclosure() === undefined ? send() : outsideCalls(send)))
  }

  /** Asks nothing any more. */
  close(): void {
    this.#isClosed = true
  }

  /**
   * When the process has been busy, it finds all questions overdue at once, before it reads the answers that have come.
   * So these are one sign of a lost Redis, however many there are.
   */
  #verdictOf(outcome: Outcome<unknown>): Verdict {
    if (outcome.ok) return 'success'
    if (!(outcome.error instanceof TimeoutError)) return verdictOfError(outcome.error)
    const now = systemClock.now()
    if (now - this.#timedOutMs < ONE_CAUSE_MS) return 'ignored'
    this.#timedOutMs = now
    return 'failure'
  }

  #changeTo(isLost: boolean): void {
    if (isLost === this.#isLost) return
    this.#isLost = isLost
    this.#onChange(isLost)
  }
}
