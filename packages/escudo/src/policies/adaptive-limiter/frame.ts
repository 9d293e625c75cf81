import type { Clock } from '../../core/clock.ts'
import { type CallState, enteredMs } from '../../core/engine/call.ts'
import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { readerTookMs } from '../../core/engine/reader-time.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { judgeError } from '../shared/judge.ts'
import type { ConcurrencyLimit } from './state/limit.ts'

/** What all calls of one adaptive limiter in one shield share. */
export interface AdaptiveLimiterContext {
  readonly limit: ConcurrencyLimit
  readonly clock: Clock
  /** Releases one permit. */
  readonly release: () => void
}

/** What the limit learns from a call: how long it takes, that it was dropped because of overload, or nothing. */
type SampleResult = 'success' | 'dropped' | 'ignored'

// The statuses by which a dependency, or a timeout in front of it, reports overload.
const OVERLOAD: ReadonlySet<number> = new Set([429, 503, 504])

/**
 * The adaptive limiter's part in one call that has a permit.
 *
 * It gives the limit at most one sample: at the outcome, or at the cancellation if that comes first. It holds the
 * permit until the work has ended.
 */
export class AdaptiveLimiterFrame extends Watcher implements Frame {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly outer: Frame
  declare private readonly call: CallState
  /** How many calls were in flight at the start, including this one; 0 once the permit is released. */
  declare private inFlight: number
  declare private readonly context: AdaptiveLimiterContext
  declare private readonly startedMs: number
  /** Whether the sample is still due. */
  declare private pending: boolean

  /** @param inFlight how many calls are in flight, including this one */
  constructor(outer: Frame, call: CallState, inFlight: number, context: AdaptiveLimiterContext) {
    super()
    this.outer = outer
    this.call = call
    this.inFlight = inFlight
    this.context = context
    this.startedMs = enteredMs(call)
    this.pending = true
  }

  onValue(value: unknown): FrameResult {
    const { inFlight } = this
    this.release()
    this.sample('success', inFlight)
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const { inFlight } = this
    if (failure.stillRunning === undefined) this.release()
    else this.releaseAfter(failure.stillRunning)
    this.sample(resultOfError(failure.error, this.call), inFlight)
    return passFailure(this.outer, failure)
  }

  override onCancel(cancellation: Cancellation): void {
    this.sample(cancellation.by === 'caller' ? 'ignored' : 'dropped', this.inFlight)
  }

  /** Releases the permit, once. */
  release(): void {
    if (this.inFlight === 0) return
    this.inFlight = 0
    this.context.release()
  }

  private releaseAfter(work: PromiseLike<unknown>): void {
    const { release } = this.context
    this.inFlight = 0
    work.then(release, release)
  }

  private sample(result: SampleResult, inFlight: number): void {
    if (!this.pending) return
    this.pending = false
    this.unwatch()
    if (result === 'ignored') return
    const { limit, clock } = this.context
    const now = clock.now()
    limit.onSample(now - this.startedMs - readerTookMs(this.call.root, now), inFlight, result === 'dropped', now)
  }
}

function resultOfError(error: unknown, call: CallState): SampleResult {
  const verdict = judgeError(undefined, error, call)
  if (verdict !== 'failure') return verdict
  const status = factsOf(error)?.status
  return status !== undefined && OVERLOAD.has(status) ? 'dropped' : 'ignored'
}
