import { factsOf } from '../../errors/error-facts.ts'
import type { CancelTimer, Clock } from '../clock.ts'
import { DeadlineExceededError, type Origin, stackless } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { END, Failure, type Frame, type FrameResult } from './frame.ts'

/**
 * The scope of a whole call: cut by its caller's signal, or by the deadline that its caller gave. It is the outermost
 * frame too, since it ends with the call.
 */
export class CallerScope extends CancelScope implements Frame {
  readonly outer = undefined
  /** The caller's signal, as long as this call listens to it. For {@link SignalScope} to set. */
  signalScope: SignalScope | undefined
  #cancelTimer: CancelTimer | undefined

  /** Cuts the call when its caller's signal aborts. */
  listenTo(signal: AbortSignal): void {
    signalScopeOf(signal).addCall(this)
  }

  /** Cuts the call when its deadline comes. */
  cancelAfter(delayMs: number, clock: Clock, origin: Origin): void {
    const fire = (): void => {
      const make = (): DeadlineExceededError => new DeadlineExceededError(origin, delayMs)
      this.cancel({ by: 'escudo', reason: origin.stacks ? make() : stackless(make) })
    }
    this.#cancelTimer = clock.setTimer(fire, delayMs)
  }

  onValue(value: unknown): FrameResult {
    this.#release()
    return value
  }

  // The caller receives its own reason, whatever user code threw after the cancellation.
  onFailure(failure: Failure): FrameResult {
    this.#release()
    const { cancellation } = this
    return END.onFailure(cancellation === undefined ? failure : new Failure(cancellation.reason, failure.root))
  }

  /** Leaves the caller's signal and the clock as they were. */
  #release(): void {
    this.signalScope?.removeCall(this)
    this.#cancelTimer?.()
  }
}

/**
 * A caller's signal as a scope, shared by all calls in flight that were given it. The signal has one listener, however
 * many calls there are, since a signal searches its listeners each time that one comes or goes.
 */
class SignalScope extends CancelScope {
  readonly #signal: AbortSignal
  #calls = 0

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  addCall(call: CallerScope): void {
    // Together, since what follows may throw: the stack may be full.
    call.signalScope = this
    this.#calls += 1
    // `this` is the listener (see handleEvent), so its removal cannot miss.
    if (this.#calls === 1) this.#signal.addEventListener('abort', this)
    call.watch(this)
  }

  removeCall(call: CallerScope): void {
    call.unwatch()
    call.signalScope = undefined
    this.#calls -= 1
    if (this.#calls === 0) this.#signal.removeEventListener('abort', this)
  }

  /** For the signal: its reason goes on untouched. */
  handleEvent(): void {
    const { reason } = this.#signal
    this.cancel({ by: isTimeout(reason) ? 'escudo' : 'caller', reason })
  }
}

// The signal may come from a call of another shield, further out, whose timeout has run out.
function isTimeout(reason: unknown): boolean {
  const code = factsOf(reason)?.code
  return code === 'TIMEOUT' || code === 'DEADLINE_EXCEEDED'
}

const signalScopes = new WeakMap<AbortSignal, SignalScope>()

function signalScopeOf(signal: AbortSignal): SignalScope {
  let root = signalScopes.get(signal)
  if (root === undefined) {
    root = new SignalScope(signal)
    signalScopes.set(signal, root)
  }
  return root
}
