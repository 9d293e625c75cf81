import { CancelScope } from '../../core/engine/cancel-scope.ts'

/** One attempt of a hedged call: a scope that can be cancelled without the other attempts. */
export class HedgedAttempt extends CancelScope {
  readonly number: number
  readonly isHedge: boolean
  readonly startedAt: number
  /** The scope around the hedged call, once the call is cancelled: it receives the work that still runs. */
  outer: CancelScope | undefined
  readonly #around: CancelScope | undefined

  constructor(number: number, isHedge: boolean, startedAt: number, around: CancelScope | undefined) {
    super()
    this.#around = around
    this.number = number
    this.isHedge = isHedge
    this.startedAt = startedAt
  }

  /** The attempt does not watch this scope: the hedged call does, and cancels its attempts. */
  override get enclosing(): CancelScope | undefined {
    return this.#around
  }

  /**
   * Outer policies keep their permits while an attempt ignores its signal. Work can be added after the cancellation, by
   * an operation that cancels its own call and then returns a promise.
   */
  override addStillRunning(work: PromiseLike<unknown>): void {
    if (this.outer === undefined) super.addStillRunning(work)
    else this.outer.addStillRunning(work)
  }
}
