import { asyncStorage } from '../../../core/context/ambient.ts'
import { type Call, type CallRoot, rootOf, scopeOf } from '../../../core/engine/call.ts'
import { type Cancellation, CancelScope, Watcher } from '../../../core/engine/cancel-scope.ts'
import { copyNotes } from '../../../core/explain/notes.ts'

// The flight whose operation is running here, of whatever policy: who asks for a flight from inside of one waits with it.
const storage = asyncStorage<Flight>()

/** For what is begun inside of a flight that does not wait for it. */
export function outsideFlights<T>(body: () => T): T {
  return storage === undefined ? body() : storage.run(undefined, body)
}

/**
 * One run of an operation that many wait for. As a scope it is cut when the last of them has left, and by nothing else.
 */
export class Flight extends CancelScope {
  readonly #waiters = new Set<Waiter>()
  /** Those among them who wait from inside of another flight: that one cannot land before this one has. */
  readonly #nested = new Set<Waiter>()
  readonly #over: (flight: Flight) => void

  /** @param over hears, once, that the flight can be joined no more: it has landed, or nobody waits for it */
  constructor(over: (flight: Flight) => void) {
    super()
    this.#over = over
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Takes off; to be called once, and after the first has joined, since the operation may come back at once.
   *
   * @param root of the flight's own call: when it fails, what was noted of it explains the failure of all who wait
   */
  async run(operation: () => PromiseLike<unknown>, root: CallRoot): Promise<void> {
    try {
      const value = await (storage === undefined ? operation() : storage.run(this, operation))
      for (const waiter of this.#land()) waiter.resolve(value)
    } catch (error) {
      for (const waiter of this.#land()) {
        copyNotes(root, waiter.root)
        waiter.reject(error)
      }
    }
  }

  /** Waits for the flight, or for the caller's own end: his abort, his deadline, a timeout around him. */
  join(call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const from = storage?.getStore()
      const waiter = new Waiter(this, rootOf(call), from, resolve, reject)
      this.#waiters.add(waiter)
      if (from !== undefined) this.#nested.add(waiter)
      const scope = scopeOf(call)
      if (scope !== undefined) waiter.watch(scope)
    })
  }

  /** For {@link Waiter} alone. */
  leave(waiter: Waiter, cut: Cancellation): void {
    this.#waiters.delete(waiter)
    this.#nested.delete(waiter)
    if (this.#waiters.size > 0) return
    // First, so that whoever hears of the cut and calls again gets a flight of his own.
    this.#over(this)
    this.cancel(cut)
  }

  /**
   * Whether who asks for this flight here would wait for himself: the flight that he is in cannot land before this one,
   * and this one, by whatever way, not before that. Known where the runtime follows asynchronous calls.
   */
  get wouldWaitForItself(): boolean {
    const here = storage?.getStore()
    if (here === undefined) return false
    const waiting = new Set<Flight>([here])
    for (const flight of waiting) {
      if (flight === this) return true
      for (const { from } of flight.#nested) if (from !== undefined) waiting.add(from)
    }
    return false
  }

  #land(): Waiter[] {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    this.#nested.clear()
    if (waiters.length > 0) this.#over(this)
    for (const waiter of waiters) waiter.unwatch()
    return waiters
  }
}

class Waiter extends Watcher {
  readonly root: CallRoot
  readonly from: Flight | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly #flight: Flight

  constructor(
    flight: Flight,
    root: CallRoot,
    from: Flight | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#flight = flight
    this.root = root
    this.from = from
    this.resolve = resolve
    this.reject = reject
  }

  override onCancel(cut: Cancellation): void {
    this.reject(cut.reason)
    this.#flight.leave(this, cut)
  }
}
