import type { BreakerState } from '../core/events.ts'
import type { Verdict } from '../core/outcome.ts'
import { REASONS } from './transitions.ts'
import type { TripRule } from './trip.ts'

/** How long a circuit stays open: `baseMs`, times `factor` with each opening in a row, at most `maxMs`. */
export interface OpenTime {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
}

/** How a half-open circuit decides. */
export interface HalfOpenSettings {
  /** At most this many calls go through. */
  readonly probes: number
  /** The share of them that must succeed for the circuit to close. */
  readonly closeAt: number
  /** A probe that has not settled within this time counts as a failure. */
  readonly leaseMs: number
}

/** Leave to run an operation. Its result counts only in the era, the generation, in which the leave was given. */
export interface Ticket {
  readonly generation: number
  /** Whether the call is a probe of a half-open circuit. */
  readonly probe: boolean
}

/** A probe's ticket, with the instant at which its lease ends. */
class ProbeTicket implements Ticket {
  readonly probe = true
  readonly generation: number
  readonly leaseEndsMs: number

  constructor(generation: number, leaseEndsMs: number) {
    this.generation = generation
    this.leaseEndsMs = leaseEndsMs
  }
}

/** A change of state, told at the moment at which it becomes true. */
export interface Transition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: string
  readonly at: number
}

/**
 * The state machine of a circuit breaker. Pure: it takes the time as an argument, waits for nothing and calls nobody
 * but `onTransition`. States and names after Nygard's "Release It!"; generations after sony/gobreaker.
 *
 * Each change of state begins a new generation. A ticket carries the generation in which it was given, and a result
 * that comes with an old one changes nothing: a late failure from the closed era cannot re-open a half-open circuit,
 * nor a late success close it.
 */
export class Breaker {
  readonly #rule: TripRule
  readonly #tripReason: string
  readonly #openTime: OpenTime
  readonly #halfOpen: HalfOpenSettings
  /** So many successes close a half-open circuit. */
  readonly #successesNeeded: number
  readonly #onTransition: (transition: Transition) => void

  #state: BreakerState = 'closed'
  #generation = 0
  // One ticket for all calls of a generation that are no probes: the closed circuit gives leave without allocating.
  #ticket: Ticket = { generation: 0, probe: false }
  #openedMs = 0
  #openUntilMs = 0
  /** Openings since the circuit was last closed: they make the open time grow. */
  #openings = 0
  /** The count that opened the circuit: it stays visible until the circuit closes. */
  #failuresAtOpening = 0
  #callsAtOpening = 0
  // In the order in which they were given, so the first lease ends first.
  readonly #probes = new Set<ProbeTicket>()
  #probeSuccesses = 0
  #probeFailures = 0

  constructor(
    rule: TripRule,
    tripReason: string,
    openTime: OpenTime,
    halfOpen: HalfOpenSettings,
    onTransition: (transition: Transition) => void,
  ) {
    this.#rule = rule
    this.#tripReason = tripReason
    this.#openTime = openTime
    this.#halfOpen = halfOpen
    this.#successesNeeded = successesNeeded(halfOpen)
    this.#onTransition = onTransition
  }

  /** The leave that every call has while the circuit is closed or disabled: no time is read for it. */
  get freePass(): Ticket | undefined {
    return this.#state === 'closed' || this.#state === 'disabled' ? this.#ticket : undefined
  }

  /** Leave to run the operation, or undefined: a refusal, whose hint is {@link retryAfterMs}. */
  tryAcquire(now: number): Ticket | undefined {
    this.advance(now)
    return this.#state === 'half-open' ? this.#tryProbe(now) : this.freePass
  }

  /**
   * Gives the ticket back with what the call came to. A ticket is settled once; nothing is done for a second time.
   *
   * @returns false when the result came too late to count: from an earlier generation, or after the probe's lease
   */
  settle(ticket: Ticket, verdict: Verdict, now: number): boolean {
    if (ticket.generation !== this.#generation) return false
    if (ticket.probe) return this.#settleProbe(ticket as ProbeTicket, verdict, now)
    if (verdict === 'ignored' || this.#state !== 'closed') return true
    if (this.#rule.record(verdict === 'failure', now)) this.#open(this.#tripReason, now)
    return true
  }

  /** Lets time do what it does: an open circuit becomes half-open, a probe's lease ends. Call it before reading. */
  advance(now: number): void {
    if (this.#state === 'open' && now >= this.#openUntilMs) {
      this.#probeSuccesses = 0
      this.#probeFailures = 0
      this.#enter('half-open', REASONS.openTimeOver, now)
    }
    if (this.#state === 'half-open') this.#endLeases(now)
  }

  /** The instant at which {@link advance} will next have something to do; undefined when it is not time that decides. */
  nextChangeMs(): number | undefined {
    if (this.#state === 'open') return this.#openUntilMs
    if (this.#state !== 'half-open') return undefined
    const [first] = this.#probes
    return first?.leaseEndsMs
  }

  /** How long a refused caller does well to wait; undefined when an operator isolated the circuit. */
  retryAfterMs(now: number): number | undefined {
    if (this.#state === 'open') return Math.max(0, this.#openUntilMs - now)
    if (this.#state !== 'half-open') return undefined
    // Either a probe's lease ends and its place is free, or the probes fail at once and the circuit opens again.
    const leaseMs = (this.nextChangeMs() ?? now) - now
    return Math.max(0, Math.min(leaseMs, this.#openMs(this.#openings + 1)))
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When the circuit opened last; undefined while it is neither open nor half-open. */
  get openedMs(): number | undefined {
    return this.#state === 'open' || this.#state === 'half-open' ? this.#openedMs : undefined
  }

  /** Failures in the window, or in a row; while open and half-open those that opened the circuit. */
  failures(now: number): number {
    return this.#tripped ? this.#failuresAtOpening : this.#rule.failures(now)
  }

  /** The calls among which {@link failures} were counted. */
  calls(now: number): number {
    return this.#tripped ? this.#callsAtOpening : this.#rule.calls(now)
  }

  /** Refuses every call until {@link reset}: an operator took the dependency out. */
  isolate(now: number): void {
    if (this.#state !== 'isolated') this.#enter('isolated', REASONS.isolated, now)
  }

  /** Lets every call through and counts nothing, until {@link reset}. */
  disable(now: number): void {
    if (this.#state !== 'disabled') this.#enter('disabled', REASONS.disabled, now)
  }

  /** Closes, from whatever state, and forgets what was counted. */
  reset(now: number): void {
    if (this.#state === 'closed') this.#rule.clear()
    else this.#close(REASONS.reset, now)
  }

  get #tripped(): boolean {
    return this.#state === 'open' || this.#state === 'half-open'
  }

  #tryProbe(now: number): Ticket | undefined {
    // Decided probes keep their places: the circuit lets `probes` calls through in all, and then knows.
    if (this.#probes.size + this.#probeSuccesses + this.#probeFailures >= this.#halfOpen.probes) return undefined
    const ticket = new ProbeTicket(this.#generation, now + this.#halfOpen.leaseMs)
    this.#probes.add(ticket)
    return ticket
  }

  #settleProbe(ticket: ProbeTicket, verdict: Verdict, now: number): boolean {
    if (now >= ticket.leaseEndsMs) this.#endLeases(now)
    if (ticket.generation !== this.#generation || !this.#probes.delete(ticket)) return false
    if (verdict !== 'ignored') this.#countProbe(verdict === 'failure', REASONS.probeFailed, now)
    return true
  }

  #endLeases(now: number): void {
    for (const ticket of this.#probes) {
      if (now < ticket.leaseEndsMs) return
      this.#probes.delete(ticket)
      this.#countProbe(true, REASONS.leaseOver, now)
      if (this.#state !== 'half-open') return
    }
  }

  /** Decides as soon as the outcome is fixed, whatever the remaining probes will say. */
  #countProbe(failed: boolean, reason: string, now: number): void {
    if (failed) this.#probeFailures += 1
    else this.#probeSuccesses += 1
    if (this.#probeSuccesses >= this.#successesNeeded) this.#close(REASONS.probesSucceeded, now)
    else if (this.#probeFailures > this.#halfOpen.probes - this.#successesNeeded) this.#open(reason, now)
  }

  #open(reason: string, now: number): void {
    if (this.#state === 'closed') {
      this.#failuresAtOpening = this.#rule.failures(now)
      this.#callsAtOpening = this.#rule.calls(now)
    }
    this.#openings += 1
    this.#openedMs = now
    this.#openUntilMs = now + this.#openMs(this.#openings)
    this.#enter('open', reason, now)
  }

  #close(reason: string, now: number): void {
    this.#rule.clear()
    this.#openings = 0
    this.#enter('closed', reason, now)
  }

  #enter(to: BreakerState, reason: string, at: number): void {
    const from = this.#state
    this.#state = to
    this.#generation += 1
    this.#ticket = { generation: this.#generation, probe: false }
    this.#probes.clear()
    this.#onTransition({ from, to, reason, at })
  }

  #openMs(opening: number): number {
    const { baseMs, factor, maxMs } = this.#openTime
    return Math.min(maxMs, baseMs * factor ** (opening - 1))
  }
}

/** The least number of successes whose share of the probes reaches `closeAt`. */
function successesNeeded({ probes, closeAt }: HalfOpenSettings): number {
  const rounded = Math.ceil(probes * closeAt)
  // 25 * 0.28 is a hair above 7, while 7 / 25 is 0.28: the quotient is the one that people mean.
  return rounded > 1 && (rounded - 1) / probes >= closeAt ? rounded - 1 : rounded
}
