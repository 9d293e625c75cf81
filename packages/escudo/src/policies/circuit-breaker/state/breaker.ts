import type { BreakerState, LastFailure } from '../../../core/events/events.ts'
import type { Verdict } from '../../../core/outcome.ts'
import { drawFrom, type Random } from '../../../core/random.ts'
import { HalfOpenTrial } from './half-open-trial.ts'
import { type OpenPeriod, openPeriodAfter } from './open-period.ts'
import { FIRST_PERMIT, type Permit, type ProbePermit } from './permit.ts'
import { Ramp, rampFrom } from './ramp.ts'
import { hintMs } from './retry-after.ts'
import { restoredState, type SavedBreaker, savedState } from './saved-breaker.ts'
import type { BreakerSettings } from './settings.ts'
import { REASONS } from './transitions.ts'
import { continueRule, restoreCounts, savedCounts, type TripRule } from './trips/trip-rule.ts'

/**
 * The state machine of one circuit. Pure: no timers, no promises, no clock. Its transitions: see {@link transitionsOf}.
 *
 * Every transition starts a new generation. A permit carries the generation in which it was granted, and a result with
 * an old generation changes nothing. A late failure cannot reopen a half-open circuit; a late success cannot close it.
 *
 * How to use it:
 * - Read {@link sharedPermit}. If it is undefined, call {@link tryAcquire}. If that is undefined too, reject the call
 *   with the hint {@link retryAfterMs}.
 * - Give each permit to {@link settle} exactly once, on the breaker that granted it. Measure the call's duration if
 *   `settings.trip.slowerThanMs` is set, and call {@link exceeds} when a call in flight exceeds one of its limits.
 * - After each transition, and after each start or end of a probe, set a timer for {@link nextChangeMs} that calls
 *   {@link advance}. Without the timer, a transition that depends on time happens at the next call.
 *
 * Every `now` and every instant is in milliseconds on one clock, which the caller reads. A process may have a million
 * breakers, one per key, so whatever a healthy circuit does not need is created on demand.
 */
export class Breaker {
  /** The key of this circuit; undefined for calls without a key, or if all calls share one circuit. */
  readonly key: string | undefined
  readonly #settings: BreakerSettings
  #rule: TripRule
  #state: BreakerState = 'closed'
  // All calls of a generation share one permit, except probes. A closed circuit allocates nothing for a call.
  #permit: Permit = FIRST_PERMIT
  // Invariant: an OpenPeriod if and only if the state is open or half-open; its `trial` is set if and only if it is
  // half-open. A Ramp only if the state is closed; never under `observe`. One field for both saves memory.
  #phase: OpenPeriod | Ramp | undefined
  /** The last failure of a call. Shown only while the circuit is open or half-open. */
  #lastFailure: LastFailure | undefined

  constructor(settings: BreakerSettings, key?: string) {
    this.#settings = settings
    this.key = key
    this.#rule = settings.trip.create()
  }

  /** The permit for every call while all calls go through: disabled, or closed without a ramp. Needs no clock. */
  get sharedPermit(): Permit | undefined {
    const state = this.#state
    return (state === 'closed' && this.#phase === undefined) || state === 'disabled' ? this.#permit : undefined
  }

  /**
   * Grants a permit for one call; undefined if the call must be rejected.
   *
   * @param random the call's random source, read only during a ramp
   */
  tryAcquire(now: number, random: Random): Permit | undefined {
    this.advance(now)
    const shared = this.sharedPermit
    if (shared !== undefined) return shared
    if (this.#state === 'closed') return drawFrom(random) < (this.admitting(now) ?? 1) ? this.#permit : undefined
    const probe = this.openPeriod?.trial?.tryProbe(this.#permit.generation, now)
    return probe ?? (this.#settings.mode === 'observe' ? this.#permit : undefined)
  }

  /**
   * Settles a permit with the verdict of its call. Call it exactly once per permit.
   *
   * @param retryAfterMs the hint of a failure: if it opens the circuit, the circuit stays open at least that long
   * @param durationMs the duration of the call; needed only if the trip has `slowerThanMs`
   * @param countedSlowMs the largest limit with which {@link exceeds} was called for this permit; below 0 if there is none
   * @param lastFailure what to remember of a failure
   * @returns false if the result was too late to count: from an earlier generation, or after the probe's lease
   */
  settle(
    permit: Permit,
    verdict: Verdict,
    now: number,
    retryAfterMs?: number,
    durationMs = 0,
    countedSlowMs = -1,
    lastFailure?: LastFailure,
  ): boolean {
    if (permit.generation !== this.#permit.generation) return false
    if (lastFailure !== undefined) this.#lastFailure = lastFailure
    if (permit.probe) return this.#settleProbe(permit as ProbePermit, verdict, now, retryAfterMs, durationMs)
    if (verdict === 'ignored' || this.#state !== 'closed') return true
    const failed = verdict === 'failure'
    const reason = this.#rule.record(failed, durationMs, now, countedSlowMs)
    if (reason !== undefined) this.#open(reason, now, failed ? retryAfterMs : undefined)
    return true
  }

  /**
   * Counts a call in flight at the moment when it exceeds one of `slowLimitsOf(settings.trip)`. A probe has then failed.
   * Call it at most once per permit and limit, in ascending order.
   */
  exceeds(limitMs: number, permit: Permit, now: number): void {
    if (permit.generation !== this.#permit.generation) return
    if (permit.probe) {
      this.#endLeases(now)
      const trial = this.openPeriod?.trial
      if (trial?.release(permit as ProbePermit)) this.#countProbe(trial, true, REASONS.probeSlow, now)
      return
    }
    if (this.#state !== 'closed') return
    const reason = this.#rule.recordSlow?.(limitMs, now)
    if (reason !== undefined) this.#open(reason, now)
  }

  /** Ends the open period, probe leases and the ramp if their time is over. Call it before you read the state. */
  advance(now: number): void {
    const phase = this.#phase
    if (phase === undefined) return
    if (phase instanceof Ramp) {
      if (phase.isOver(now)) this.#phase = undefined
      return
    }
    if (this.#state === 'open' && now >= phase.openUntilMs && !phase.isHeld) {
      phase.trial = new HalfOpenTrial(this.#settings.halfOpen)
      this.#transition('half-open', REASONS.openPeriodEnded, now, phase)
    }
    this.#endLeases(now)
  }

  /** The instant at which {@link advance} next changes the state; undefined if no change depends on time. */
  nextChangeMs(): number | undefined {
    return this.#state === 'open' ? this.openPeriod?.endsMs : this.openPeriod?.trial?.firstLeaseEndsMs
  }

  /** How long a rejected caller should wait; undefined if no call is rejected, or if the circuit is isolated. */
  retryAfterMs(now: number): number | undefined {
    const phase = this.#phase
    return phase && hintMs(phase, this.nextChangeMs() ?? now, this.#settings.openPeriod, now)
  }

  /** The share of calls that go through during a ramp; undefined without a ramp. */
  admitting(now: number): number | undefined {
    const phase = this.#phase
    return phase instanceof Ramp && !phase.isOver(now) ? phase.shareAt(now) : undefined
  }

  get state(): BreakerState {
    return this.#state
  }

  /** The open period; undefined unless the circuit is open or half-open. A health check belongs to one open period. */
  get openPeriod(): OpenPeriod | undefined {
    return this.#phase instanceof Ramp ? undefined : this.#phase
  }

  /** The trip's count; while open or half-open, the count that opened the circuit. */
  failures(now: number): number {
    return this.openPeriod?.failures ?? this.#rule.failures(now)
  }

  /** The number of calls among which {@link failures} were counted. */
  calls(now: number): number {
    return this.openPeriod?.calls ?? this.#rule.calls(now)
  }

  /** Why the circuit is not closed; undefined if it is closed. */
  get reason(): string | undefined {
    if (this.#state === 'isolated' || this.#state === 'disabled') return REASONS[this.#state]
    return this.openPeriod?.reason
  }

  /** The last failure before the circuit opened; undefined unless it is open or half-open. */
  get lastFailure(): LastFailure | undefined {
    return this.openPeriod === undefined ? undefined : this.#lastFailure
  }

  /** Opens the circuit, with its normal recovery. One that is open, isolated or disabled stays as it is. */
  trip(now: number, reason: string): void {
    this.advance(now)
    if (this.#state === 'closed' || this.#state === 'half-open') this.#open(reason, now)
  }

  /** Rejects every call until {@link reset}. (The mode `observe` rejects nothing.) */
  isolate(now: number): void {
    this.advance(now)
    if (this.#state !== 'isolated') this.#transition('isolated', REASONS.isolated, now)
  }

  /** Lets every call through and counts nothing until {@link reset}. */
  disable(now: number): void {
    this.advance(now)
    if (this.#state !== 'disabled') this.#transition('disabled', REASONS.disabled, now)
  }

  /**
   * Closes the circuit from every state, without a ramp, and clears the counts. A closed circuit starts a new generation:
   * results of calls in flight are ignored.
   */
  reset(now: number): void {
    this.advance(now)
    if (this.#state === 'closed') this.#enter('closed')
    else this.#transition('closed', REASONS.reset, now)
  }

  /**
   * Closes the circuit after a successful health check, or because its fleet has closed it. Returns false if `checked`,
   * the {@link openPeriod} at the start of the check, has ended since.
   */
  healthCheckSucceeded(checked: OpenPeriod, now: number, reason: string = REASONS.healthCheck): boolean {
    this.advance(now)
    if (checked !== this.openPeriod) return false
    this.#transition('closed', reason, now, rampFrom(this.#settings, now))
    return true
  }

  /** Returns the state as plain data, without instants of this clock and without the calls of a time window. */
  save(now: number): SavedBreaker {
    this.advance(now)
    return savedState(this.#state, this.#phase, this.#lastFailure, savedCounts(this.#rule), now)
  }

  /** Uses the settings, which have changed. The counts stay, if the new trip counts them in the same way. */
  reconfigured(tripChanged: boolean): void {
    if (this.#settings.mode === 'observe' && this.#phase instanceof Ramp) this.#phase = undefined
    if (!tripChanged) return
    const previous = this.#rule
    this.#rule = this.#settings.trip.create()
    continueRule(this.#rule, previous)
  }

  /**
   * Continues from a saved state, in a new generation, without calling `onTransition`. A remaining open period is at most
   * this breaker's maximum; a saved ramp is ignored if this breaker has none.
   */
  restore(saved: SavedBreaker, now: number): void {
    const { state, phase, lastFailure } = restoredState(saved, this.#settings, now)
    this.#enter(state, phase)
    this.#lastFailure = lastFailure
    if ('counts' in saved && saved.counts !== undefined) restoreCounts(this.#rule, saved.counts)
  }

  #settleProbe(
    permit: ProbePermit,
    verdict: Verdict,
    now: number,
    retryAfterMs: number | undefined,
    durationMs: number,
  ): boolean {
    this.#endLeases(now)
    const { slowerThanMs = Number.POSITIVE_INFINITY } = this.#settings.trip
    const trial = this.openPeriod?.trial
    if (permit.generation !== this.#permit.generation || trial === undefined || !trial.release(permit)) return false
    if (verdict === 'failure') this.#countProbe(trial, true, REASONS.probeFailed, now, retryAfterMs)
    else if (verdict === 'success') this.#countProbe(trial, durationMs > slowerThanMs, REASONS.probeSlow, now)
    return true
  }

  #endLeases(now: number): void {
    const trial = this.openPeriod?.trial
    // Each expired probe may end the trial, and `onTransition` may start another one: check that it is still the same.
    while (trial !== undefined && trial === this.openPeriod?.trial && trial.releaseExpired(now)) {
      this.#countProbe(trial, true, REASONS.leaseOver, now)
    }
  }

  #countProbe(trial: HalfOpenTrial, failed: boolean, reason: string, now: number, retryAfterMs?: number): void {
    const decision = trial.count(failed)
    if (decision === 'recovered')
      this.#transition('closed', REASONS.probesSucceeded, now, rampFrom(this.#settings, now))
    else if (decision === 'failed') this.#open(reason, now, retryAfterMs)
  }

  #open(reason: string, now: number, retryAfterMs?: number): void {
    // An opening from half-open keeps the count of the first opening, because probes are not counted by the trip.
    const [failures, calls, lastFailure] = [this.failures(now), this.calls(now), this.#lastFailure]
    const opening = { reason, failures, calls, lastFailure, retryAfterMs }
    const openPeriod = openPeriodAfter(this.openPeriod, this.#settings, opening, now)
    this.#transition('open', reason, now, openPeriod)
  }

  /** Enters a state and notifies. The notification comes last, because `onTransition` may act on this breaker. */
  #transition(to: BreakerState, reason: string, at: number, phase?: OpenPeriod | Ramp): void {
    const from = this.#state
    this.#enter(to, phase)
    const { lastFailure } = this
    const counts = { failures: this.failures(at), calls: this.calls(at), ...(lastFailure && { lastFailure }) }
    this.#settings.onTransition({ from, to, reason, at, ...counts }, this)
  }

  /** Starts a new generation in the given state, with all counts at zero. */
  #enter(state: BreakerState, phase?: OpenPeriod | Ramp): void {
    this.#state = state
    this.#phase = phase
    if (this.openPeriod === undefined) this.#lastFailure = undefined
    this.#permit = { generation: this.#permit.generation + 1, probe: false }
    this.#rule.clear()
  }
}
