import { factsOf } from '../../errors/error-facts.ts'
import { stackless } from '../../errors/stackless.ts'
import type { CancelTimer, Clock } from '../clock.ts'
import { DeadlineExceededError, type Origin } from '../errors.ts'
import { abortReason } from './abort-reason.ts'
import type { CallRoot } from './call-root.ts'
import { type Cancellation, CancelScope } from './cancel-scope.ts'
import { END, Failure, type Frame, type FrameResult } from './frame.ts'

/** The deadline of a call. */
export interface CallerDeadline {
  /** The deadline as the caller passed it: a time from the start of the call. */
  readonly afterMs: number
  /** The same, as an instant on the clock of the call. */
  readonly dueMs: number
  readonly origin: Origin
  /** Whether the request around the call brought the deadline. Its end says nothing about the dependency. */
  readonly inherited: boolean
}

/** Makes the error of a call whose deadline has passed. */
export function deadlineExceeded({
  afterMs,
  origin,
  inherited,
}: Omit<CallerDeadline, 'dueMs' | 'inherited'> & { readonly inherited?: boolean }): DeadlineExceededError {
  const make = (): DeadlineExceededError => new DeadlineExceededError(origin, afterMs, inherited)
  return origin.stacks ? make() : stackless(make)
}

/**
 * The scope of a whole call: cancelled by its caller's signal or by the deadline that the caller passed.
 *
 * It is also the outermost frame, because it must release the signal and the timer when the call ends.
 */
export class CallerScope extends CancelScope implements Frame {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly outer: undefined
  /** The scope of the caller's signal, while this call watches it. Set by {@link SignalScope}. */
  declare signalScope: SignalScope | undefined
  declare private cancelTimer: CancelTimer | undefined
  declare private deadline: CallerDeadline | undefined

  constructor() {
    super()
    this.outer = undefined
    this.signalScope = undefined
    this.cancelTimer = undefined
    this.deadline = undefined
  }

  /** Cancels the call when its caller's signal aborts. */
  listenTo(signal: AbortSignal): void {
    signalScopeOf(signal).addCall(this)
  }

  /** Cancels the call at its deadline, with a {@link DeadlineExceededError}. */
  cancelAt(deadline: CallerDeadline, clock: Clock): void {
    this.deadline = deadline
    this.cancelTimer = clock.setTimer(() => void this.expire(), deadline.afterMs)
  }

  override get expiresMs(): number | undefined {
    return this.deadline?.dueMs
  }

  override expire(): Cancellation | undefined {
    const { deadline } = this
    if (deadline !== undefined) {
      this.cancel({ by: deadline.inherited ? 'caller' : 'escudo', reason: deadlineExceeded(deadline) })
    }
    return this.cancellation
  }

  /** Called when the time of a watched call starts. */
  onStart(_root: CallRoot, _startedMs: number): void {}

  onValue(value: unknown): FrameResult {
    this.release()
    return value
  }

  // After a cancellation the caller receives the reason of the cancellation, even if user code threw another error
  // later.
  onFailure(failure: Failure): FrameResult {
    this.release()
    const { cancellation } = this
    return END.onFailure(cancellation === undefined ? failure : new Failure(cancellation.reason, failure.root))
  }

  /** Removes the call from its caller's signal and cancels its timer. */
  private release(): void {
    this.signalScope?.removeCall(this)
    this.cancelTimer?.()
    this.deadline = undefined
  }
}

/**
 * The scope of a caller's signal, shared by all calls in flight that received this signal.
 *
 * The signal has one listener for all calls, because adding or removing a listener searches all its listeners.
 */
class SignalScope extends CancelScope {
  // Declared here and assigned in the constructor: see Watcher. A server creates one for each request.
  declare private readonly followed: AbortSignal
  /** The platform's signals accept this object itself (see `handleEvent`); some polyfills call a function only. */
  declare private readonly listener: Parameters<AbortSignal['addEventListener']>[1]
  declare private calls: number

  constructor(signal: AbortSignal) {
    super()
    this.followed = signal
    this.listener = signal instanceof AbortSignal ? this : () => this.handleEvent()
    this.calls = 0
  }

  override get source(): AbortSignal {
    return this.followed
  }

  addCall(call: CallerScope): void {
    // Set together, before any line that can throw (a stack overflow): removeCall() must find them consistent.
    call.signalScope = this
    this.calls += 1
    if (this.calls === 1) this.followed.addEventListener('abort', this.listener)
    call.watch(this)
  }

  removeCall(call: CallerScope): void {
    call.unwatch()
    call.signalScope = undefined
    this.calls -= 1
    if (this.calls === 0) this.followed.removeEventListener('abort', this.listener)
  }

  /** Called by the signal when it aborts. Its reason is passed on unchanged. */
  handleEvent(): void {
    const reason = abortReason(this.followed)
    this.cancel({ by: isTimeout(reason) ? 'escudo' : 'caller', reason })
  }
}

// The signal may belong to a call of an outer shield whose timeout or deadline expired. An inherited deadline counts as
// the caller's abort.
function isTimeout(reason: unknown): boolean {
  const facts = factsOf(reason)
  return facts?.verdict === undefined && (facts?.code === 'TIMEOUT' || facts?.code === 'DEADLINE_EXCEEDED')
}

const signalScopes = new WeakMap<AbortSignal, SignalScope>()

function signalScopeOf(signal: AbortSignal): SignalScope {
  let scope = signalScopes.get(signal)
  if (scope === undefined) {
    scope = new SignalScope(signal)
    signalScopes.set(signal, scope)
  }
  return scope
}
