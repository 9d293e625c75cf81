import type { CancelTimer } from '../core/clock.ts'
import type { PermitsOwner, SharedPermits } from '../core/shared-state.ts'
import { backgroundTimer } from '../policies/shared/background-timer.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import { PERMITS } from './scripts/permits.ts'
import { HeldPermits, type PermitAnswer, type PermitQuestion } from './state/held-permits.ts'

const SCRIPT = script(PERMITS)

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
    this.#changed(false)
    this.#askIfUseful(now)
  }

  /** Not at once: the next call may need the permit, and one question then does both. */
  returned(): void {
    this.#hasReturned = true
    if (!this.#isAsking && !this.#isClosed) this.#arm(0)
  }

  resize(limit: number): void {
    this.#settings.limit = limit
    this.#changed(false)
    if (!this.#isAsking) this.#ask(this.#owner.clock.now())
  }

  /** Gives back all permits that no call uses, and acts alone from now on. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelTimer?.()
    const question = this.#held.farewell(this.#owner.local(), this.#owner.clock.now())
    this.#held.leave()
    this.#changed(true)
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
    this.#cancelTimer?.()
    const question = this.#held.question(this.#owner.local(), now)
    this.#changed(false)
    this.#send(question)
      .then(
        (answer) => () => this.#held.answered(question, answer, now, this.#owner.clock.now()),
        () => () => this.#held.failed(this.#owner.clock.now()),
      )
      .then((decide) => this.#end(decide))
  }

  #end(decide: () => void): void {
    this.#isAsking = false
    if (this.#isClosed) return
    decide()
    this.#changed(true)
    const now = this.#owner.clock.now()
    if (this.#hasFoundNone) this.#askIfUseful(now)
    if (!this.#isAsking) this.#arm(this.#hasReturned ? 0 : Math.max(0, this.#held.nextMs - now))
  }

  #arm(delayMs: number): void {
    this.#cancelTimer?.()
    const { clock } = this.#owner
    const fire = (): void => {
      if (!this.#isAsking) this.#ask(clock.now())
    }
    this.#cancelTimer = backgroundTimer(clock, fire, delayMs)
  }

  #changed(hasAnswer: boolean): void {
    const held = this.#held
    const capacity = held.capacity(this.#owner.clock.now())
    this.endsMs = held.capacityEndsMs
    this.lowWater = held.lowWater
    this.keepMax = held.keepMax
    this.#owner.onPermits(capacity, hasAnswer)
  }

  async #send({ number, held, want }: PermitQuestion): Promise<PermitAnswer> {
    const { link, key, id } = this.#context
    const answer = (await link.ask(SCRIPT, key, [id, number, held, want, this.#settings.limit])) as readonly unknown[]
    const [has = 0, wanted = 0, members = 1] = answer.map(Number)
    return { held: has, wanted, members }
  }
}
