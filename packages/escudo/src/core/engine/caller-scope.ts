import { factsOf } from '../../errors/error-facts.ts'
import type { CancelTimer, Clock } from '../clock.ts'
import { DeadlineExceededError, type Origin, stackless } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { END, Failure, type Frame, type FrameResult } from './frame.ts'

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

  constructor() {
    super()
    this.outer = undefined
    this.signalScope = undefined
    this.cancelTimer = undefined
  }

  /** Cancels the call when its caller's signal aborts. */
  listenTo(signal: AbortSignal): void {
    signalScopeOf(signal).addCall(this)
  }

  /** Cancels the call after `delayMs`, with a {@link DeadlineExceededError}. */
  cancelAfter(delayMs: number, clock: Clock, origin: Origin): void {
    const fire = (): void => {
      const make = (): DeadlineExceededError => new DeadlineExceededError(origin, delayMs)
      this.cancel({ by: 'escudo', reason: origin.stacks ? make() : stackless(make) })
    }
    this.cancelTimer = clock.setTimer(fire, delayMs)
  }

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
  }
}

/**
 * The scope of a caller's signal, shared by all calls in flight that received this signal.
 *
 * The signal has one listener for all calls, because adding or removing a listener searches all its listeners.
 */
class SignalScope extends CancelScope {
  readonly #signal: AbortSignal
  #calls = 0

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  override get source(): AbortSignal {
    return this.#signal
  }

  addCall(call: CallerScope): void {
    // Set together, before any line that can throw (a stack overflow): removeCall() must find them consistent.
    call.signalScope = this
    this.#calls += 1
    // The listener is `this` (see handleEvent), so removing it always finds it.
    if (this.#calls === 1) this.#signal.addEventListener('abort', this)
    call.watch(this)
  }

  removeCall(call: CallerScope): void {
    call.unwatch()
    call.signalScope = undefined
    this.#calls -= 1
    if (this.#calls === 0) this.#signal.removeEventListener('abort', this)
  }

  /** Called by the signal when it aborts. Its reason is passed on unchanged. */
  handleEvent(): void {
    const { reason } = this.#signal
    this.cancel({ by: isTimeout(reason) ? 'escudo' : 'caller', reason })
  }
}

// The signal may belong to a call of an outer shield whose timeout or deadline expired.
function isTimeout(reason: unknown): boolean {
  const code = factsOf(reason)?.code
  return code === 'TIMEOUT' || code === 'DEADLINE_EXCEEDED'
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
