/**
 * Why a call was cut short. `caller`: whoever called gave it up, which says nothing about the dependency. `escudo`: a
 * timeout or a deadline ran out, which is a failure of everything inside it.
 */
export interface Cancellation {
  readonly by: 'caller' | 'escudo'
  readonly reason: unknown
}

/** Something that wants to know at once when a scope is cut. A node of the scope's list, so that leaving costs nothing. */
export abstract class Watcher {
  // Declared here and assigned in the constructor, in all classes of which a call makes instances: fields that the
  // language initialises, and private names, make an object of this size twice as dear.
  declare private scope: CancelScope | undefined
  /** The neighbours in the scope's list; only {@link CancelScope} touches them. */
  declare before: Watcher | undefined
  declare after: Watcher | undefined

  constructor() {
    this.scope = undefined
    this.before = undefined
    this.after = undefined
  }

  /**
   * The scope is cut.
   *
   * @param later takes the scopes whose signals are to be aborted when all watchers have heard
   */
  abstract onCancel(cut: Cancellation, later: CancelScope[]): void

  /**
   * Begins to watch. A scope that is cut already says so at once. Who came last hears first, but for who asks to hear
   * after all that are there: O(n) in their number.
   */
  watch(scope: CancelScope, afterAll = false): void {
    if (scope.cancellation !== undefined) {
      const later: CancelScope[] = []
      this.onCancel(scope.cancellation, later)
      for (const inside of later) inside.abortSignal()
      return
    }
    this.scope = scope
    scope.add(this, afterAll)
  }

  /** Ends watching; harmless when it has ended. */
  unwatch(): void {
    this.scope?.remove(this)
    this.scope = undefined
  }
}

/**
 * A part of a call that can be cut off: the whole call by its caller or its deadline, an attempt by its timeout.
 * Scopes nest, and a cut reaches everything inside.
 *
 * This is what an `AbortSignal` would be, at a tenth of its price: a signal is made only when an operation reads one.
 * (Linking an `AbortController` to its parent costs more than all layers of a shield together, and `AbortSignal.any`
 * twice that.)
 */
export class CancelScope extends Watcher {
  /** Set once, when the scope is cut. */
  declare cancellation: Cancellation | undefined
  /** What was at work here when the scope was cut, and may be still: operations that do not listen. */
  declare stillRunning: PromiseLike<unknown>[] | undefined
  declare private first: Watcher | undefined
  declare private controller: AbortController | undefined

  constructor() {
    super()
    this.cancellation = undefined
    this.stillRunning = undefined
    this.first = undefined
    this.controller = undefined
  }

  /** The signal of this scope, made at the first reading. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancellation !== undefined) this.controller.abort(this.cancellation.reason)
    }
    return this.controller.signal
  }

  /** A cut of the scope outside is one of this scope too. */
  override onCancel(cut: Cancellation, later: CancelScope[]): void {
    if (this.cancellation !== undefined) return
    this.cancellation = cut
    // From the front each time, since whoever hears of the cut may leave the list, or make others leave it.
    for (let watcher = this.first; watcher !== undefined; watcher = this.first) {
      watcher.unwatch()
      watcher.onCancel(cut, later)
    }
    if (this.controller !== undefined) later.push(this)
  }

  /**
   * Cuts the scope; a second cut changes nothing. Policies inside hear of it before any operation does, in this scope
   * and in those within: permits are back by the time that the code of a user runs.
   */
  cancel(cut: Cancellation): void {
    const later: CancelScope[] = []
    this.onCancel(cut, later)
    for (const scope of later) scope.abortSignal()
  }

  /** For whoever cuts: tells the operation. */
  abortSignal(): void {
    this.controller?.abort(this.cancellation?.reason)
  }

  /** Notes what goes on although the scope is cut. */
  addStillRunning(work: PromiseLike<unknown>): void {
    this.stillRunning ??= []
    this.stillRunning.push(work)
  }

  /** For {@link Watcher} alone. */
  add(watcher: Watcher, afterAll = false): void {
    if (afterAll && this.first !== undefined) {
      let last = this.first
      while (last.after !== undefined) last = last.after
      last.after = watcher
      watcher.before = last
      watcher.after = undefined
      return
    }
    watcher.before = undefined
    watcher.after = this.first
    if (this.first !== undefined) this.first.before = watcher
    this.first = watcher
  }

  /** For {@link Watcher} alone. */
  remove(watcher: Watcher): void {
    if (watcher.before === undefined) this.first = watcher.after
    else watcher.before.after = watcher.after
    if (watcher.after !== undefined) watcher.after.before = watcher.before
    watcher.before = undefined
    watcher.after = undefined
  }
}
