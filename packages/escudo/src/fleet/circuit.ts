import type { CancelTimer } from '../core/clock.ts'
import type { BreakerState } from '../core/events/events.ts'
import type { CircuitDecision, CircuitOwner, SharedCircuit } from '../core/shared-state.ts'
import { backgroundTimer } from '../policies/shared/background-timer.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import { CIRCUIT } from './scripts/circuit.ts'
import { CircuitMember } from './state/circuit-member.ts'
import type { CircuitAnswer, CircuitQuestion } from './state/circuit-messages.ts'

const SCRIPT = script(CIRCUIT)

/** Connects one circuit of this process to the fleet's circuit in Redis. */
export class FleetCircuit implements SharedCircuit {
  readonly owner: CircuitOwner
  readonly key: string
  readonly #link: Link
  readonly #instance: string
  readonly #member: CircuitMember
  #cancelTimer: CancelTimer | undefined
  #isAsking = false
  /** Whether something has changed since the question that is on its way. */
  #hasNews = false
  #isClosed = false

  constructor(owner: CircuitOwner, key: string, link: Link, instance: string) {
    this.owner = owner
    this.key = key
    this.#link = link
    this.#instance = instance
    this.#member = new CircuitMember(owner.quorum, owner.random, owner.clock.now())
    this.#ask()
  }

  get generation(): number {
    return this.#member.generation
  }

  changed(from: BreakerState, to: BreakerState, now: number): void {
    const { openForMs } = this.owner.local(now)
    this.#obey(this.#member.changed(from, to, openForMs, now), now)
    this.#ask()
  }

  refused(now: number): void {
    if (this.#member.refused(now)) this.#ask()
  }

  /** Asks now, for example because another instance has changed the circuit. */
  ask(): void {
    this.#ask()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    const { clock } = this.owner
    // The circuit goes on alone.
    while (!this.#member.isAlone) this.#obey(this.#member.failed(clock.now()), clock.now())
  }

  #ask(): void {
    if (this.#isClosed) return
    if (this.#isAsking) {
      this.#hasNews = true
      return
    }
    this.#isAsking = true
    this.#hasNews = false
    this.#cancelTimer?.()
    this.#exchange().finally(() => {
      this.#isAsking = false
      if (this.#isClosed) return
      if (this.#hasNews) this.#ask()
      else this.#arm()
    })
  }

  async #exchange(): Promise<void> {
    const { clock } = this.owner
    const askedMs = clock.now()
    const question = this.#member.question(this.owner.local(askedMs), askedMs)
    let decisions: readonly CircuitDecision[]
    try {
      const answer = answerOf(await this.#link.ask(SCRIPT, this.key, argsOf(this.#instance, question)))
      const now = clock.now()
      decisions = this.#isClosed ? [] : this.#member.answered(question, answer, this.owner.local(now), askedMs, now)
    } catch {
      decisions = this.#isClosed ? [] : this.#member.failed(clock.now())
    }
    this.#obey(decisions, clock.now())
  }

  #obey(decisions: readonly CircuitDecision[], now: number): void {
    for (const decision of decisions) this.owner.obey(decision, now)
  }

  #arm(): void {
    const { clock } = this.owner
    const delayMs = Math.max(0, this.#member.nextMs - clock.now())
    this.#cancelTimer = backgroundTimer(clock, () => this.#ask(), delayMs)
  }
}

/** The arguments of the script for a question. */
export function argsOf(instance: string, question: CircuitQuestion): (string | number)[] {
  const bit = (value: boolean): number => (value ? 1 : 0)
  return [
    instance,
    question.generation,
    bit(question.open),
    Math.ceil(question.remainingMs * 1_000),
    bit(question.vote),
    bit(question.enough),
    question.want,
    question.lease,
    question.result,
    bit(question.probing),
    Math.ceil(question.openForMs * 1_000),
    question.quorum,
    question.state,
  ]
}

/** Reads the answer of the script. */
export function answerOf(answer: unknown): CircuitAnswer {
  const numbers = (answer as readonly unknown[]).map(Number)
  const [generation = 0, open, remainingUs = 0, votes = 0, of = 0, lease = 0, release, isolated, order = 0] = numbers
  return {
    generation,
    open: open === 1,
    remainingMs: remainingUs / 1_000,
    votes,
    of,
    lease,
    release: release === 1,
    isolated: isolated === 1,
    order,
  }
}
