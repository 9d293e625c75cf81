import type { CallRoot, CallState } from '../../../core/engine/call.ts'
import { type Cancellation, CancelScope, Watcher } from '../../../core/engine/cancel-scope.ts'
import { copyOf, PolicyError } from '../../../core/errors.ts'
import { addNote, copyNotes } from '../../../core/explain/notes.ts'
import { isRefusal } from '../../../errors/classification.ts'
import { isInstance } from '../../../errors/safe-read.ts'
import { type Enclosure, enclosure, hasJoined, insideRun, isInside, type SharedRun } from '../enclosures.ts'

/**
 * One run of an operation that many callers wait for. It is also the cancel scope of that run, which is cancelled only
 * when the last caller is cancelled.
 */
export class Flight extends CancelScope implements SharedRun {
  readonly #waiters = new Set<FlightWaiter>()
  readonly #policy: string
  /** The waiters that something encloses, such as another flight, which cannot settle before this one. */
  readonly #enclosed = new Set<FlightWaiter>()
  readonly #onClosed: (flight: Flight) => void
  /** The root of the flight's own call. */
  #root: CallRoot | undefined

  /**
   * @param policy the name of the policy that made the flight
   * @param onClosed called once, when the flight settles or its last waiter is cancelled: no caller may join it then
   */
  constructor(policy: string, onClosed: (flight: Flight) => void) {
    super()
    this.#policy = policy
    this.#onClosed = onClosed
  }

  get enclosures(): Enclosure[] {
    return [...this.#enclosed].map(({ enclosure }) => enclosure as Enclosure)
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Runs the operation and settles all waiters. Call it once, after the first `join`: the operation may settle at once.
   *
   * @param root the root of the flight's own call; if it fails, its notes explain the failure to every waiter
   */
  async run(operation: () => PromiseLike<unknown>, root: CallRoot): Promise<void> {
    this.#root = root
    try {
      const value = await insideRun(this, operation)
      for (const waiter of this.#close()) {
        // A policy outside may still fail the call, for example a retry whose classifier rejects the value.
        if (root.called) waiter.root.markCalled()
        if (root.isDegraded) waiter.root.markDegraded()
        waiter.resolve(value)
      }
    } catch (error) {
      this.#close().forEach((waiter, index) => {
        copyNotes(root, waiter.root)
        // A policy outside may set the cause of a refusal: the last failure of the same call.
        waiter.reject(index > 0 && isInstance(error, PolicyError) && isRefusal(error) ? copyOf(error) : error)
      })
    }
  }

  /** Waits for the flight to settle, or for the caller's cancellation: its abort, its deadline or an outer timeout. */
  join(call: CallState): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const around = enclosure()
      const waiter = new FlightWaiter(this, call.root, around, resolve, reject)
      this.#waiters.add(waiter)
      if (around !== undefined) {
        this.#enclosed.add(waiter)
        hasJoined(around)
      }
      const { scope } = call
      waiter.watch(scope)
    })
  }

  /** Removes a cancelled waiter; the last one cancels the flight. Only {@link FlightWaiter} calls it. */
  removeWaiter(waiter: FlightWaiter, cancellation: Cancellation): void {
    this.#waiters.delete(waiter)
    this.#enclosed.delete(waiter)
    if (this.#waiters.size === 0) {
      // Before the cancellation: a listener that makes the same call again must get a new flight.
      this.#onClosed(this)
      this.cancel(cancellation)
    }
    const root = this.#root
    if (root !== undefined) {
      copyNotes(root, waiter.root)
      if (this.#waiters.size === 0) root.markAbandoned()
    }
    addNote(waiter.root, { policy: this.#policy, state: 'cancelled while waiting', endedHere: root?.called !== true })
  }

  /**
   * Whether a call made here that joins this flight would deadlock: the current flight would wait for this one, which
   * directly or indirectly waits for the current one. Always false if the runtime has no `AsyncLocalStorage`.
   */
  get wouldDeadlock(): boolean {
    return isInside(this, enclosure())
  }

  #close(): FlightWaiter[] {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    this.#enclosed.clear()
    if (waiters.length > 0) this.#onClosed(this)
    for (const waiter of waiters) waiter.unwatch()
    return waiters
  }
}

/** One call that waits for a flight. */
class FlightWaiter extends Watcher {
  readonly root: CallRoot
  /** What encloses the call. */
  readonly enclosure: Enclosure | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly #flight: Flight

  constructor(
    flight: Flight,
    root: CallRoot,
    enclosure: Enclosure | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#flight = flight
    this.root = root
    this.enclosure = enclosure
    this.resolve = resolve
    this.reject = reject
  }

  override onCancel(cancellation: Cancellation): void {
    this.#flight.removeWaiter(this, cancellation)
    this.reject(cancellation.reason)
  }
}
