import type { CancelTimer, Clock } from '../../core/clock.ts'
import { type Call, rootOf, scopeOf, withAttempt, withScope } from '../../core/engine/call.ts'
import { type Cancellation, CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import { stackless } from '../../core/errors.ts'
import { addNote } from '../../core/explain/notes.ts'
import { idempotencyOf, onAnswer } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import { isRefusal, mayRetry } from '../../errors/classification.ts'
import { AttemptLog } from '../shared/attempts.ts'
import { judgeError } from '../shared/judge.ts'

/** What a hedged call asks of its policy, and tells it. */
export interface HedgeRules {
  /** The policy's name within the shield. */
  readonly policy: string
  readonly clock: Clock
  readonly maxHedges: number
  /** How long to wait for an answer before the next hedge. */
  delayMs(now: number): number
  /** Whether there is budget for a hedge, which is paid then. */
  tryPay(now: number): boolean
  /** A hedge is about to begin. */
  begins(attempt: number, delayMs: number): void
  /** An attempt gave the answer. `latencyMs` is undefined where that is no success. */
  won(byHedge: boolean, latencyMs: number | undefined, now: number): void
}

/** One attempt: what it runs in can be cut off alone. */
class HedgedAttempt extends CancelScope {
  readonly number: number
  readonly isHedge: boolean
  readonly startedAt: number

  constructor(number: number, isHedge: boolean, startedAt: number) {
    super()
    this.number = number
    this.isHedge = isHedge
    this.startedAt = startedAt
  }
}

/**
 * One call and its hedges. The first attempt to answer decides: from then on nothing else can become of the call, and
 * all others are cut off. They are not waited for.
 */
export class HedgedCall<T> extends Watcher {
  readonly #rules: HedgeRules
  readonly #next: Run
  readonly #call: Call
  readonly #operation: Operation<T>
  /** In the order of their beginning; without those that failed. */
  #inFlight: HedgedAttempt[] = []
  #begun = 0
  #hedgesLeft: number
  #winner: HedgedAttempt | undefined
  #over = false
  #cancelTimer: CancelTimer | undefined
  readonly #log = new AttemptLog()
  /** The latest failure; a refusal is none. */
  #failure: { readonly error: unknown } | undefined
  #resolve: (value: T) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(rules: HedgeRules, next: Run, call: Call, operation: Operation<T>) {
    super()
    this.#rules = rules
    this.#next = next
    this.#call = call
    this.#operation = operation
    this.#hedgesLeft = rules.maxHedges
  }

  run(): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      const outside = scopeOf(this.#call)
      if (outside !== undefined) this.watch(outside)
      if (this.#over) return
      this.#begin()
      this.#arm()
    })
  }

  /** Cut from outside: everything is, at once. */
  override onCancel(cut: Cancellation, later: CancelScope[]): void {
    const cutOff = this.#inFlight
    this.#end()
    const outside = scopeOf(this.#call)
    for (const attempt of cutOff) {
      attempt.onCancel(cut, later)
      // What is deaf in here is at work for whoever holds a place outside, too.
      for (const work of attempt.stillRunning ?? []) outside?.addStillRunning(work)
    }
    this.#reject(cut.reason)
  }

  #begin(): void {
    const number = this.#call.attempt + this.#begun
    const attempt = new HedgedAttempt(number, this.#begun > 0, this.#rules.clock.now())
    this.#begun += 1
    this.#inFlight.push(attempt)
    // Nothing stands between the attempt's promise and the call's, so that the stack of what it throws leads to the
    // caller. An attempt that decides nothing never settles.
    this.#follow(attempt).then(this.#resolve, this.#reject)
  }

  async #follow(attempt: HedgedAttempt): Promise<T> {
    let value: T
    try {
      const operation = this.#operationOf(attempt)
      value = await this.#next(withScope(withAttempt(this.#call, attempt.number), attempt), operation)
    } catch (error) {
      const thrown = this.#failed(attempt, error)
      if (thrown === undefined) return await never()
      throw thrown.error
    }
    if (!this.#decides(attempt, true)) return await never()
    this.#end()
    return value
  }

  #operationOf(attempt: HedgedAttempt): Operation<T> {
    const operation = this.#operation
    // One that declares nothing has its answer when it returns.
    if (idempotencyOf(operation) === undefined) return operation
    return onAnswer(operation, () => void this.#decides(attempt, true))
  }

  /** Sets the timer for the next hedge, where there may be one. */
  #arm(): void {
    if (this.#hedgesLeft === 0 || this.#winner !== undefined || this.#over) return
    const now = this.#rules.clock.now()
    const delayMs = this.#rules.delayMs(now)
    const { deadline } = this.#call
    if (deadline !== undefined && now + delayMs >= deadline) return
    this.#hedgeLater(delayMs).catch(this.#reject)
  }

  /** Waits in the context of the call, whatever the clock's timers run in: the hedge is the operation once more. */
  async #hedgeLater(delayMs: number): Promise<void> {
    const begun = this.#begun
    await new Promise<void>((due) => {
      this.#cancelTimer = this.#rules.clock.setTimer(due, delayMs)
    })
    // A failure may have sent the hedge in the meantime.
    if (begun === this.#begun) this.#hedge(delayMs)
  }

  #hedge(delayMs: number): void {
    this.#cancelTimer?.()
    if (this.#hedgesLeft === 0 || this.#winner !== undefined || this.#over) return
    const now = this.#rules.clock.now()
    const { deadline } = this.#call
    if ((deadline !== undefined && now >= deadline) || !this.#rules.tryPay(now)) {
      this.#hedgesLeft = 0
      return
    }
    this.#hedgesLeft -= 1
    this.#rules.begins(this.#call.attempt + this.#begun, delayMs)
    // Whoever heard of it may have given the call up.
    if (this.#over) return
    this.#begin()
    this.#arm()
  }

  /** Whether this attempt's answer is the call's. The first one that comes here wins. */
  #decides(attempt: HedgedAttempt, succeeded: boolean): boolean {
    if (this.#winner !== undefined) return this.#winner === attempt
    if (this.#over) return false
    this.#winner = attempt
    this.#cancelTimer?.()
    const now = this.#rules.clock.now()
    // An older attempt that is still on its way would have taken this long at least. Were it left out, the slow ones
    // would be missing from the quantile, which would sink with every hedge.
    const { startedAt } = this.#inFlight[0] ?? attempt
    this.#rules.won(attempt.isHedge, succeeded ? now - startedAt : undefined, now)
    const losers = this.#inFlight.filter((one) => one !== attempt)
    this.#inFlight = [attempt]
    if (losers.length === 0) return true
    // As if its caller had given it up: that it was slower than another says nothing about the dependency.
    const cut: Cancellation = { by: 'caller', reason: stackless(lost) }
    for (const loser of losers) loser.cancel(cut)
    return true
  }

  /** What the call throws, where this attempt's failure is its end. */
  #failed(attempt: HedgedAttempt, error: unknown): { readonly error: unknown } | undefined {
    // The answer was out, and broke off; or a loser has heard that it is one.
    if (this.#winner !== undefined) return this.#winner === attempt ? this.#thrown({ error }) : undefined
    if (this.#over) return undefined
    const { number, startedAt } = attempt
    const verdict = judgeError(undefined, error, this.#call)
    this.#log.add({ number, startedAt, durationMs: this.#rules.clock.now() - startedAt, outcome: verdict, error })
    const refused = isRefusal(error)
    if (verdict !== 'failure' && !refused) {
      this.#decides(attempt, verdict === 'success')
      return this.#thrown({ error })
    }
    this.#inFlight = this.#inFlight.filter((one) => one !== attempt)
    if (!refused) this.#failure = { error }
    // What refused this attempt would refuse the next one, and "never" means any other attempt too.
    if (refused || !mayRetry(error)) this.#hedgesLeft = 0
    // A hedge that its timer sent in this very moment is the answer to the failure too.
    const now = this.#rules.clock.now()
    if (!this.#inFlight.some((one) => one.isHedge && one.startedAt === now)) this.#hedge(0)
    if (this.#inFlight.length > 0 || this.#over) return undefined
    return this.#thrown(this.#failure ?? { error })
  }

  #thrown(thrown: { readonly error: unknown }): { readonly error: unknown } {
    this.#end()
    if (this.#begun > 1) this.#log.attachTo(thrown.error)
    const state = this.#begun === 1 ? 'not hedged' : 'all failed'
    addNote(rootOf(this.#call), {
      policy: this.#rules.policy,
      state: this.#winner === undefined ? state : 'answered',
      attempts: this.#log.attempts,
    })
    return thrown
  }

  #end(): void {
    this.#over = true
    this.#inFlight = []
    this.#cancelTimer?.()
    this.unwatch()
  }
}

/** One for each: a promise that many wait for would keep them all. */
function never(): Promise<never> {
  return new Promise(() => {})
}

function lost(): DOMException {
  return new DOMException('another attempt of the same call was faster', 'AbortError')
}
