import { type BreakerState, FLEET } from '../../core/events/events.ts'
import type { Random } from '../../core/random.ts'
import type { CircuitDecision, LocalCircuit } from '../../core/shared-state.ts'
import {
  type CircuitAnswer,
  type CircuitQuestion,
  PROBE_LEASE_MS,
  type ProbeResult,
  type Want,
} from './circuit-messages.ts'

// Members do not ask for the lease in the same millisecond.
const JITTER_MS = 200
// Every instance hears of a change within a second, its answer included.
const BEAT_MS = 900
// A member that votes hears sooner that others do too: before its own open period ends, so that it does not probe alone.
const VOTING_BEAT_MS = 200
// A member without calls does not ask again for so long, so that one with calls gets the lease.
const QUIET_MS = 30_000
// One answer may be lost.
const FAILURES_BEFORE_ALONE = 2
// Instances that act alone do not probe at the same time.
const ALONE_JITTER_MS = 1_000

/**
 * One instance's part in the circuit of a fleet.
 *
 * The instance's own circuit decides by its own calls. This member reports it as a vote, and follows the fleet's circuit
 * when enough members vote. While the fleet's circuit is open, only the holder of the lease is half-open. A lease and a
 * result carry the generation, and the number of the lease: those of an earlier lease change nothing.
 *
 * Pure: `now` is an argument, in milliseconds on one monotonic clock. How to use it: send {@link question} at
 * {@link nextMs} and after each change of the circuit, one at a time. Give the answer to {@link answered}, or call
 * {@link failed}, and do what it returns.
 */
export class CircuitMember {
  readonly #quorum: number
  readonly #random: Random
  #generation = 0
  /** Whether the fleet's circuit is open in `#generation`. */
  #open = false
  /** Whether the own circuit obeys the fleet's open circuit. */
  #following = false
  #untilMs = 0
  #lease = 0
  #result: ProbeResult = 'none'
  /** Whether a call was refused while the fleet's circuit was open. */
  #demand = false
  #wantFromMs = 0
  /** A generation that this instance has left by a manual reset. */
  #left = 0
  #failures = 0
  /** The number of the last order; undefined before the first answer. */
  #order: number | undefined
  #nextMs: number

  constructor(quorum: number, random: Random, now: number) {
    this.#quorum = quorum
    this.#random = random
    this.#nextMs = now
  }

  /** When the next question is due. */
  get nextMs(): number {
    return this.#nextMs
  }

  get generation(): number {
    return this.#generation
  }

  /** Whether the instance's circuit is open because of the fleet. */
  get isFollowing(): boolean {
    return this.#following
  }

  /** Whether the instance holds the lease of the fleet's probe. */
  get isHolder(): boolean {
    return this.#lease > 0
  }

  /** Whether Redis has not answered lately. */
  get isAlone(): boolean {
    return this.#failures >= FAILURES_BEFORE_ALONE
  }

  /** A call was refused. Returns true if a question should follow now. */
  refused(now: number): boolean {
    if (this.#demand || !this.#following || this.#lease > 0 || now < this.#untilMs) return false
    this.#demand = true
    return true
  }

  question(local: LocalCircuit, now: number): CircuitQuestion {
    const { state } = local
    const vote = !this.#following && (state === 'open' || state === 'half-open')
    this.#nextMs = now + (vote ? VOTING_BEAT_MS : BEAT_MS)
    return {
      generation: this.#generation,
      open: this.#open,
      remainingMs: Math.max(0, this.#untilMs - now),
      vote,
      enough: local.enoughCalls,
      want: this.#want(local, now),
      lease: this.#lease,
      result: this.#result,
      probing: this.#lease > 0 && local.probing,
      openForMs: local.openForMs,
      quorum: this.#quorum,
      state,
    }
  }

  /**
   * The own circuit has changed its state by itself, or manually. A question should follow now.
   *
   * @param openForMs the length of its open period, if it has opened
   */
  changed(from: BreakerState, to: BreakerState, openForMs: number, now: number): CircuitDecision[] {
    if (!this.#following) return []
    if (this.#lease > 0 && from === 'half-open' && to === 'closed') this.#result = 'success'
    else if (this.#lease > 0 && from === 'half-open' && to === 'open') {
      this.#result = 'failure'
      // Held until Redis has answered: this lease allows no second probe.
      return [{ to: 'open', untilMs: now + openForMs, reason: `${FLEET}: a probe failed` }]
    } else if (to === 'closed' || to === 'isolated' || to === 'disabled') {
      // A manual change applies to this instance alone, until the fleet's circuit changes.
      if (this.#lease > 0) this.#result = 'released'
      this.#left = this.#generation
      this.#following = false
    }
    return []
  }

  /**
   * Redis has answered a question.
   *
   * @param askedMs when the question was asked
   */
  answered(
    question: CircuitQuestion,
    answer: CircuitAnswer,
    local: LocalCircuit,
    askedMs: number,
    now: number,
  ): CircuitDecision[] {
    this.#failures = 0
    const decisions = this.#ordered(answer)
    if (answer.generation < this.#generation) return decisions
    const isNew = answer.generation > this.#generation
    if (question.result !== 'none' && question.result === this.#result) this.#ended()
    else if (this.#result !== 'none' && !isNew) return decisions
    else if (isNew) this.#ended()
    this.#generation = answer.generation
    const wasFollowing = this.#following
    this.#open = answer.open
    if (!answer.open) {
      this.#following = false
      this.#lease = 0
      if (wasFollowing && local.state !== 'closed') decisions.push({ to: 'closed' })
      return decisions
    }
    if (answer.generation === this.#left) return decisions
    this.#follow(answer, isNew || !wasFollowing, now)
    if (local.state === 'isolated' || local.state === 'disabled') {
      if (answer.lease > 0) this.#release(answer.lease, now)
      return decisions
    }
    decisions.push(this.#place(answer, local, askedMs, now))
    return decisions
  }

  /** A question got no answer. */
  failed(now: number): CircuitDecision[] {
    this.#failures += 1
    if (this.#failures !== FAILURES_BEFORE_ALONE || !this.#following) return []
    this.#following = false
    this.#ended()
    return [{ to: 'alone', untilMs: Math.max(now, this.#untilMs) + this.#random() * ALONE_JITTER_MS }]
  }

  #want(local: LocalCircuit, now: number): Want {
    if (!this.#following || this.#lease > 0 || this.#result !== 'none' || local.state !== 'open') return 0
    if (now < this.#untilMs) return 0
    if (this.#demand) return 2
    return now >= this.#wantFromMs ? 1 : 0
  }

  #follow(answer: CircuitAnswer, isFirst: boolean, now: number): void {
    this.#following = true
    this.#untilMs = now + answer.remainingMs
    if (isFirst) {
      this.#demand = false
      this.#wantFromMs = this.#untilMs
    }
    const wantsMs = this.#untilMs + this.#random() * JITTER_MS
    if (answer.remainingMs > 0 && wantsMs < this.#nextMs) this.#nextMs = wantsMs
  }

  /** Where this member's circuit is in the fleet's open circuit: half-open with the lease, else open. */
  #place(answer: CircuitAnswer, local: LocalCircuit, askedMs: number, now: number): CircuitDecision {
    const open: CircuitDecision = {
      to: 'open',
      untilMs: this.#untilMs,
      reason: `${FLEET}: ${answer.votes} of ${answer.of}`,
    }
    if (answer.lease === 0) {
      this.#lease = 0
      return open
    }
    if (answer.release && !local.probing) {
      this.#release(answer.lease, now)
      return open
    }
    if (this.#lease === 0) this.#demand = false
    this.#lease = answer.lease
    return { to: 'half-open', untilMs: askedMs + PROBE_LEASE_MS }
  }

  #release(lease: number, now: number): void {
    this.#lease = lease
    this.#result = 'released'
    this.#wantFromMs = now + QUIET_MS * (1 + this.#random())
    this.#nextMs = now
  }

  #ended(): void {
    this.#result = 'none'
    this.#lease = 0
  }

  #ordered({ isolated, order }: CircuitAnswer): CircuitDecision[] {
    const known = this.#order
    this.#order = Math.max(order, known ?? 0)
    if (order <= (known ?? 0)) return []
    if (isolated) return [{ to: 'isolated' }]
    // An old order, from before this instance started.
    return known === undefined ? [] : [{ to: 'reset' }]
  }
}
