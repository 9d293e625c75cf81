import type { BreakerState } from '../../../core/events/events.ts'
import type { Verdict } from '../../../core/outcome.ts'
import type { Random } from '../../../core/random.ts'
import { HalfOpenTrial } from './half-open-trial.ts'
import { OpenPeriod } from './open-period.ts'
import { FIRST_PERMIT, type Permit, type ProbePermit } from './permit.ts'
import { isOver, nextStepInMs, shareAt } from './ramp.ts'
import type { SavedBreaker } from './saved-breaker.ts'
import { type BreakerSettings, openForMs, openForMsMax } from './settings.ts'
import { REASONS } from './transitions.ts'
import type { TripRule } from './trips/trip-rule.ts'

/**
 * The state machine of a circuit breaker. Pure: it takes the time as an argument, waits for nothing and calls nobody
 * but `settings.onTransition`. States and names after Nygard's "Release It!"; generations after sony/gobreaker.
 *
 * How to bind it: ask {@link sharedPermit}, then {@link tryAcquire}, for a ticket; none is a refusal, whose hint is
 * {@link retryAfterMs}. Give every ticket back once, with {@link settle}, to the breaker that gave it. Measure durations
 * where `settings.trip.slowerThanMs` is there. Set a timer for {@link nextChangeMs} after each change of state and after
 * each probe that begins or ends, and call {@link advance} when it fires: then changes are told when they become true,
 * and not at the next call.
 *
 * Each change of state begins a new generation. A ticket carries the generation in which it was given, and a result
 * that comes with an old one changes nothing: a late failure from the closed era cannot re-open a half-open circuit,
 * nor a late success close it.
 *
 * There may be one for each of a million keys, so whatever a healthy one can do without is made when it is needed.
 */
export class Breaker {
  /** Whose breaker it is, where there is one for each key. */
  readonly key: string | undefined
  readonly #settings: BreakerSettings
  readonly #rule: TripRule
  #state: BreakerState = 'closed'
  // One ticket for all calls of a generation that are no probes: the closed circuit gives leave without allocating.
  #ticket: Permit = FIRST_PERMIT
  // An outage, or the instant since when traffic returns step by step (never under `observe`, where nothing is refused).
  // One field for both, for a million keys have neither.
  #episode: OpenPeriod | number | undefined

  constructor(settings: BreakerSettings, key?: string) {
    this.#settings = settings
    this.key = key
    this.#rule = settings.trip.create()
  }

  /** The leave that every call has while the circuit is closed or disabled: no time is read for it. */
  get sharedPermit(): Permit | undefined {
    const state = this.#state
    return (state === 'closed' && this.#episode === undefined) || state === 'disabled' ? this.#ticket : undefined
  }

  /**
   * Leave to run the operation, or undefined: a refusal.
   *
   * @param random the call's source of chance; it is asked only while traffic returns step by step
   */
  tryAcquire(now: number, random: Random): Permit | undefined {
    this.advance(now)
    const pass = this.sharedPermit
    if (pass !== undefined) return pass
    if (this.#state === 'closed') return random() < (this.admitting(now) ?? 1) ? this.#ticket : undefined
    const probe = this.openPeriod?.trial?.tryProbe(this.#ticket.generation, now)
    return probe ?? (this.#settings.mode === 'observe' ? this.#ticket : undefined)
  }

  /**
   * Gives the ticket back with what the call came to. Exactly once for each ticket.
   *
   * @param retryAfterMs what the failure said about when to come back: the circuit that opens by it stays open that long
   * @param durationMs how long the call took, where the trip looks at it
   * @returns false when the result came too late to count: from an earlier generation, or after the probe's lease
   */
  settle(ticket: Permit, verdict: Verdict, now: number, retryAfterMs?: number, durationMs = 0): boolean {
    if (ticket.generation !== this.#ticket.generation) return false
    if (ticket.probe) return this.#settleProbe(ticket as ProbePermit, verdict, now, retryAfterMs, durationMs)
    if (verdict === 'ignored' || this.#state !== 'closed') return true
    const failed = verdict === 'failure'
    const reason = this.#rule.record(failed, durationMs, now)
    if (reason !== undefined) this.#open(reason, now, failed ? retryAfterMs : undefined)
    return true
  }

  /** Lets time do what it does: an open circuit becomes half-open, a probe's lease or a ramp ends. Call it before reading. */
  advance(now: number): void {
    const episode = this.#episode
    if (episode === undefined) return
    if (typeof episode === 'number') {
      const { ramp } = this.#settings
      if (ramp === undefined || isOver(ramp, episode, now)) this.#episode = undefined
      return
    }
    if (this.#state === 'open' && now >= episode.openUntilMs) this.#tryAgain(episode, now)
    this.#endLeases(now)
  }

  /** The instant at which {@link advance} will next change the state; undefined when it is not time that decides. */
  nextChangeMs(): number | undefined {
    return this.#state === 'open' ? this.openPeriod?.openUntilMs : this.openPeriod?.trial?.firstLeaseEndsMs
  }

  /**
   * How long a refused caller does well to wait; undefined when nothing is refused, or an operator isolated the
   * circuit. While traffic returns step by step: until the next step, although chance may be kinder at once.
   */
  retryAfterMs(now: number): number | undefined {
    const outage = this.openPeriod
    if (outage !== undefined) {
      if (this.#state === 'open') return Math.max(0, outage.openUntilMs - now)
      // Either a probe's lease ends and its place is free, or the probes fail at once and the circuit opens again.
      const leaseMs = (this.nextChangeMs() ?? now) - now
      return Math.max(0, Math.min(leaseMs, openForMs(this.#settings.openTime, outage.opening + 1)))
    }
    const { ramp } = this.#settings
    if (ramp === undefined || this.admitting(now) === undefined) return undefined
    return nextStepInMs(ramp, this.#episode as number, now)
  }

  /** The share of calls that are let through while traffic returns step by step; undefined at all other times. */
  admitting(now: number): number | undefined {
    const { ramp } = this.#settings
    const startedMs = this.#episode
    if (ramp === undefined || typeof startedMs !== 'number' || isOver(ramp, startedMs, now)) return undefined
    return shareAt(ramp, startedMs, now)
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When the circuit opened last; undefined while it is neither open nor half-open. */
  get openedMs(): number | undefined {
    return this.openPeriod?.openedMs
  }

  /** What the trip counts, within its window or in a row; while open and half-open the count that opened the circuit. */
  failures(now: number): number {
    return this.openPeriod?.failures ?? this.#rule.failures(now)
  }

  /** The calls among which {@link failures} were counted. */
  calls(now: number): number {
    return this.openPeriod?.calls ?? this.#rule.calls(now)
  }

  /** Refuses every call until {@link reset}: an operator took the dependency out. (`observe` refuses nothing.) */
  isolate(now: number): void {
    this.advance(now)
    if (this.#state !== 'isolated') this.#leave('isolated', REASONS.isolated, now)
  }

  /** Lets every call through and counts nothing, until {@link reset}. */
  disable(now: number): void {
    this.advance(now)
    if (this.#state !== 'disabled') this.#leave('disabled', REASONS.disabled, now)
  }

  /**
   * Closes, from whatever state, and forgets what was counted; all traffic returns at once. Of a closed circuit it is
   * no change of state, but a new generation: what is in flight belongs to what was forgotten.
   */
  reset(now: number): void {
    this.advance(now)
    if (this.#state === 'closed') this.#begin('closed')
    else this.#leave('closed', REASONS.reset, now)
  }

  /** What is wrong at present, for a health check that begins now; undefined while there is nothing to be checked. */
  get openPeriod(): OpenPeriod | undefined {
    const episode = this.#episode
    return typeof episode === 'number' ? undefined : episode
  }

  /**
   * A health check found the dependency well: an open circuit closes early, a half-open one without waiting for its
   * probes. A check that fails changes nothing, and nobody need be told.
   *
   * @param outage what {@link outage} was when the check began: a circuit that closed or opened meanwhile stays as it is
   * @returns false when the check came too late to count
   */
  healthCheckSucceeded(outage: OpenPeriod, now: number): boolean {
    this.advance(now)
    if (outage !== this.openPeriod) return false
    this.#recover(REASONS.healthCheck, now)
    return true
  }

  /** The state as plain data, without any instant of this clock. What a window holds is not saved. */
  save(now: number): SavedBreaker {
    this.advance(now)
    const state = this.#state
    const outage = this.openPeriod
    if (state === 'closed') {
      const startedMs = this.#episode
      return typeof startedMs !== 'number' ? { state } : { state, rampedMs: Math.max(0, now - startedMs) }
    }
    if (outage === undefined) return { state: state as 'isolated' | 'disabled' }
    const { opening, failures, calls, openedMs, openUntilMs } = outage
    return {
      state: state as 'open' | 'half-open',
      remainingMs: Math.max(0, openUntilMs - now),
      openedAgoMs: Math.max(0, now - openedMs),
      openings: opening,
      failures,
      calls,
    }
  }

  /**
   * Goes on from what was saved. Begins a new generation, and is not told as a change of state. An open time longer
   * than this breaker ever takes is cut to that, a ramp that it does not have is over.
   */
  restore(saved: SavedBreaker, now: number): void {
    switch (saved.state) {
      case 'open':
      case 'half-open': {
        const { openings, failures, calls } = saved
        const remainingMs = Math.min(saved.remainingMs, openForMsMax(this.#settings.openTime))
        this.#begin('open', new OpenPeriod(openings, now - saved.openedAgoMs, now + remainingMs, failures, calls))
        break
      }
      case 'closed':
        this.#begin('closed')
        if (saved.rampedMs !== undefined) this.#startRamp(now - saved.rampedMs)
        break
      default:
        this.#begin(saved.state)
    }
  }

  #settleProbe(
    ticket: ProbePermit,
    verdict: Verdict,
    now: number,
    retryAfterMs: number | undefined,
    durationMs: number,
  ): boolean {
    this.#endLeases(now)
    const trial = this.openPeriod?.trial
    if (ticket.generation !== this.#ticket.generation || trial === undefined || !trial.end(ticket)) return false
    if (verdict === 'failure') this.#countProbe(trial, true, REASONS.probeFailed, now, retryAfterMs)
    else if (verdict === 'success') {
      const { slowerThanMs } = this.#settings.trip
      const slow = slowerThanMs !== undefined && durationMs > slowerThanMs
      this.#countProbe(trial, slow, REASONS.probeSlow, now)
    }
    return true
  }

  #endLeases(now: number): void {
    const trial = this.openPeriod?.trial
    // Each may decide, and then a listener may do anything: the trial that is over has no more leases to end.
    while (trial !== undefined && trial === this.openPeriod?.trial && trial.endExpired(now)) {
      this.#countProbe(trial, true, REASONS.leaseOver, now)
    }
  }

  #countProbe(trial: HalfOpenTrial, failed: boolean, reason: string, now: number, retryAfterMs?: number): void {
    const decision = trial.count(failed)
    if (decision === 'recovered') this.#recover(REASONS.probesSucceeded, now)
    else if (decision === 'failed') this.#open(reason, now, retryAfterMs)
  }

  #tryAgain(outage: OpenPeriod, now: number): void {
    outage.trial = new HalfOpenTrial(this.#settings.halfOpen)
    this.#leave('half-open', REASONS.openTimeOver, now, outage)
  }

  #open(reason: string, now: number, retryAfterMs: number | undefined): void {
    const opening = (this.openPeriod?.opening ?? 0) + 1
    const untilMs = now + openForMs(this.#settings.openTime, opening, retryAfterMs)
    // The second opening in a row shows the count of the first: the probes of a half-open circuit are not counted.
    this.#leave('open', reason, now, new OpenPeriod(opening, now, untilMs, this.failures(now), this.calls(now)))
  }

  /** The dependency is back, as far as one can know: traffic returns, step by step where there are steps. */
  #recover(reason: string, now: number): void {
    this.#leave('closed', reason, now, undefined, now)
  }

  #leave(to: BreakerState, reason: string, at: number, outage?: OpenPeriod, rampStartedMs?: number): void {
    const from = this.#state
    this.#begin(to, outage)
    if (rampStartedMs !== undefined) this.#startRamp(rampStartedMs)
    this.#settings.onTransition({ from, to, reason, at }, this)
  }

  /** A new generation, in that state, which counts from nothing. */
  #begin(state: BreakerState, outage?: OpenPeriod): void {
    this.#state = state
    this.#episode = outage
    this.#ticket = { generation: this.#ticket.generation + 1, probe: false }
    this.#rule.clear()
  }

  #startRamp(startedMs: number): void {
    if (this.#settings.ramp !== undefined && this.#settings.mode === 'enforce') this.#episode = startedMs
  }
}
