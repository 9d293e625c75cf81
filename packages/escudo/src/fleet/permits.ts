import type { CancelTimer } from '../core/clock.ts'
import type { PermitsOwner, SharedPermits } from '../core/shared-state.ts'
import { backgroundTimer } from '../policies/shared/background-timer.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import { PERMITS } from './scripts/permits.ts'
import { HeldPermits, type PermitAnswer, type PermitQuestion } from './state/held-permits.ts'

const SCRIPT = script(PERMITS)
// A timer that is overdue by more is lost.
const LOST_TIMER_MS = 1_000

/** What connects the permits of a bulkhead to their fleet. */
export interface PermitsContext {
  readonly link: Link
  /** The key in Redis. */
  readonly key: string
  /** The name of this instance in the key: another one for each start of the process. */
  readonly id: string
  /** The number of live instances, as last known. */
  instances(): number
}

/** The permits that this process holds of one bulkhead, and their key in Redis. */
export class FleetPermits implements SharedPermits {
  readonly #owner: PermitsOwner
  readonly #context: PermitsContext
  readonly #held: HeldPermits
  readonly #settings: { limit: number }
  #cancelTimer: CancelTimer | undefined
  /** When the timer is due, if there is one. */
  #timerMs = Number.POSITIVE_INFINITY
  #isAsking = false
  /** What has happened since the question that is on its way. */
  #hasFoundNone = false
  #hasReturned = false
  #isClosed = false
  endsMs: number = Number.NEGATIVE_INFINITY
  lowWater = -1
  keepMax = 0

  constructor(owner: PermitsOwner, context: PermitsContext) {
    const { limit, exact, onLoss, random, clock } = owner
    this.#owner = owner
    this.#context = context
    const settings = { limit, exact, onLoss, random, instances: () => context.instances() }
    this.#settings = settings
    this.#held = new HeldPermits(settings, clock.now())
  }

  get isAlone(): boolean {
    return this.#held.isAlone
  }

  get shield(): string {
    return this.#owner.shield
  }

  get policy(): string {
    return this.#owner.policy
  }

  /** The key in Redis. */
  get key(): string {
    return this.#context.key
  }

  /** The number of permits of the whole fleet. */
  get limit(): number {
    return this.#settings.limit
  }

  /** How many permits this instance may use now. */
  get held(): number {
    return this.#held.capacity(this.#owner.clock.now())
  }

  start(): void {
    this.#ask(this.#owner.clock.now())
  }

  short(now: number): void {
    this.#held.short()
    this.#askIfUseful(now)
  }

  foundNone(now: number): void {
    this.#held.foundNone(now)
    this.#hasFoundNone = true
    this.#askIfUseful(now)
  }

  ended(now: number): void {
    this.#changed(false, now)
    this.#askIfUseful(now)
  }

  /** Not at once: the next call may need the permit, and one question then does both. */
  returned(): void {
    this.#hasReturned = true
    if (this.#isAsking || this.#isClosed) return
    const now = this.#owner.clock.now()
    this.#arm(now, now)
  }

  resize(limit: number): void {
    this.#settings.limit = limit
    const now = this.#owner.clock.now()
    this.#changed(false, now)
    if (!this.#isAsking) this.#ask(now)
  }

  /** Gives back all permits that no call uses, and acts alone from now on. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelTimer?.()
    const now = this.#owner.clock.now()
    const question = this.#held.farewell(this.#owner.local(), now)
    this.#held.leave()
    this.#changed(true, now)
    await this.#send(question).catch(() => {})
  }

  #askIfUseful(now: number): void {
    if (!this.#isAsking && this.#held.mayAsk(now)) this.#ask(now)
  }

  #ask(now: number): void {
    if (this.#isClosed) return
    this.#isAsking = true
    this.#hasFoundNone = false
    this.#hasReturned = false
    const question = this.#held.question(this.#owner.local(), now)
    this.#changed(false, now)
    this.#send(question).then(
      (answer) => this.#answered(question, answer, now),
      () => this.#failed(),
    )
  }

  #answered(question: PermitQuestion, answer: unknown, askedMs: number): void {
    this.#isAsking = false
    if (this.#isClosed) return
    const now = this.#owner.clock.now()
    this.#held.answered(question, permitAnswerOf(answer), askedMs, now)
    this.#end(now)
  }

  #failed(): void {
    this.#isAsking = false
    if (this.#isClosed) return
    const now = this.#owner.clock.now()
    this.#held.failed(now)
    this.#end(now)
  }

  #end(now: number): void {
    this.#changed(true, now)
    if (this.#hasFoundNone) this.#askIfUseful(now)
    if (!this.#isAsking) this.#arm(this.#dueMs(now), now)
  }

  /** When the next question is due if no call needs it earlier. */
  #dueMs(now: number): number {
    return this.#hasReturned ? now : this.#held.nextMs
  }

  /** Each call of an exact bulkhead comes here twice. So a timer that fires earlier stays, and then looks again. */
  #arm(dueMs: number, now: number): void {
    // A tool for tests drops its timers without notice.
    if (this.#timerMs <= dueMs && now - this.#timerMs < LOST_TIMER_MS) return
    this.#cancelTimer?.()
    this.#timerMs = dueMs
    this.#cancelTimer = backgroundTimer(this.#owner.clock, () => this.#fire(), Math.max(0, dueMs - now))
  }

  #fire(): void {
    this.#timerMs = Number.POSITIVE_INFINITY
    // The answer sets the next timer.
    if (this.#isAsking || this.#isClosed) return
    const now = this.#owner.clock.now()
    const dueMs = this.#dueMs(now)
    if (now >= dueMs) this.#ask(now)
    else this.#arm(dueMs, now)
  }

  #changed(hasAnswer: boolean, now: number): void {
    const held = this.#held
    const capacity = held.capacity(now)
    this.endsMs = held.capacityEndsMs
    this.lowWater = held.lowWater
    this.keepMax = held.keepMax
    this.#owner.onPermits(capacity, hasAnswer)
  }

  /** Not an async function: each further promise delays every call of an exact bulkhead. */
  #send({ number, held, want }: PermitQuestion): Promise<unknown> {
    const { link, key, id } = this.#context
    return link.askTexts(SCRIPT, key, [id, `${number}`, `${held}`, `${want}`, `${this.#settings.limit}`])
  }
}

/** Reads the answer of {@link PERMITS}. */
export function permitAnswerOf(answer: unknown): PermitAnswer {
  // No other instance holds or wants permits.
  if (!Array.isArray(answer)) return { held: Number(answer), wanted: 0, members: 1 }
  const [held, wanted, members] = answer as readonly unknown[]
  return { held: Number(held), wanted: Number(wanted), members: Number(members) }
}
