/**
 * Why a call was cut short. `caller`: whoever called gave it up, which says nothing about the dependency. `escudo`: a
 * timeout or a deadline ran out, which is a failure of everything inside it.
 */
export interface Cut {
  readonly by: 'caller' | 'escudo'
  readonly reason: unknown
}

/** Something that wants to know at once when a scope is cut. A node of the scope's list, so that leaving costs nothing. */
export abstract class Watcher {
  // Declared here and assigned in the constructor, in all classes of which a call makes instances: fields that the
  // language initialises, and private names, make an object of this size twice as dear.
  declare private scope: Scope | undefined
  /** The neighbours in the scope's list; only {@link Scope} touches them. */
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
  abstract onCut(cut: Cut, later: Scope[]): void

  /**
   * Begins to watch. A scope that is cut already says so at once. Who came last hears first, but for who asks to hear
   * after all that are there: O(n) in their number.
   */
  watch(scope: Scope, afterAll = false): void {
    if (scope.cut !== undefined) {
      const later: Scope[] = []
      this.onCut(scope.cut, later)
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
export class Scope extends Watcher {
  /** Set once, when the scope is cut. */
  declare cut: Cut | undefined
  /** What was at work here when the scope was cut, and may be still: operations that do not listen. */
  declare held: PromiseLike<unknown>[] | undefined
  declare private first: Watcher | undefined
  declare private controller: AbortController | undefined

  constructor() {
    super()
    this.cut = undefined
    this.held = undefined
    this.first = undefined
    this.controller = undefined
  }

  /** The signal of this scope, made at the first reading. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cut !== undefined) this.controller.abort(this.cut.reason)
    }
    return this.controller.signal
  }

  /** A cut of the scope outside is one of this scope too. */
  override onCut(cut: Cut, later: Scope[]): void {
    if (this.cut !== undefined) return
    this.cut = cut
    // From the front each time, since whoever hears of the cut may leave the list, or make others leave it.
    for (let watcher = this.first; watcher !== undefined; watcher = this.first) {
      watcher.unwatch()
      watcher.onCut(cut, later)
    }
    if (this.controller !== undefined) later.push(this)
  }

  /**
   * Cuts the scope; a second cut changes nothing. Policies inside hear of it before any operation does, in this scope
   * and in those within: permits are back by the time that the code of a user runs.
   */
  cutOff(cut: Cut): void {
    const later: Scope[] = []
    this.onCut(cut, later)
    for (const scope of later) scope.abortSignal()
  }

  /** For whoever cuts: tells the operation. */
  abortSignal(): void {
    this.controller?.abort(this.cut?.reason)
  }

  /** Notes what goes on although the scope is cut. */
  hold(work: PromiseLike<unknown>): void {
    this.held ??= []
    this.held.push(work)
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
