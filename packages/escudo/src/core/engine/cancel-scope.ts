import { type CapturedContext, captureContext } from '../context/ambient.ts'

/**
 * Why a call was cancelled.
 *
 * `caller`: its caller aborted it. This says nothing about the dependency. `escudo`: a timeout or a deadline expired.
 * The policies inside count a failure.
 */
export interface Cancellation {
  readonly by: 'caller' | 'escudo'
  readonly reason: unknown
}

/** An object that a scope notifies as soon as it is cancelled. A node of the scope's linked list: `unwatch` is O(1). */
export abstract class Watcher {
  // Declared here and assigned in the constructor, as in every class of which a call creates instances: class fields
  // with an initializer and private names make an object of this size twice as expensive.
  declare protected watched: CancelScope | undefined
  /** The neighbours in the scope's list. Only {@link CancelScope} uses them. */
  declare before: Watcher | undefined
  declare after: Watcher | undefined

  constructor() {
    this.watched = undefined
    this.before = undefined
    this.after = undefined
  }

  /**
   * Runs once, when the watched scope is cancelled.
   *
   * @param toAbort a scope adds itself here if it has a signal: signals abort after all watchers were notified
   */
  abstract onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void

  /**
   * Starts to watch a scope. If the scope is already cancelled, `onCancel` runs immediately. A call without a scope
   * cannot be cancelled.
   *
   * The newest watcher is notified first. With `afterAll` this watcher is notified after all current ones, and adding
   * it is O(n).
   */
  watch(scope: CancelScope | undefined, afterAll = false): void {
    const cancellation = scope?.cancellation
    if (cancellation === undefined) {
      this.watched = scope
      if (afterAll) scope?.addLast(this)
      else scope?.add(this)
    } else notify(this, cancellation)
  }

  /** Stops watching. A second call does nothing. */
  unwatch(): void {
    this.watched?.remove(this)
    this.watched = undefined
  }
}

function notify(watcher: Watcher, cancellation: Cancellation): void {
  const toAbort: CancelScope[] = []
  watcher.onCancel(cancellation, toAbort)
  for (const scope of toAbort) scope.abortSignal()
}

/**
 * A part of a call that can be cancelled.
 *
 * The part is the whole call, which its caller or deadline cancels, or one attempt, which its timeout cancels. Scopes
 * nest: a cancellation of one also cancels those inside it.
 *
 * A scope does what an `AbortSignal` would do, at a tenth of the cost, because it creates a signal only when an
 * operation reads one. (Linking an `AbortController` to its parent costs more than all layers of a shield together, and
 * `AbortSignal.any` costs twice that.)
 */
export class CancelScope extends Watcher {
  /** Set once, when the scope is cancelled. */
  declare cancellation: Cancellation | undefined
  /**
   * The work that was running when the scope was cancelled. It may continue, because an operation can ignore its
   * signal.
   */
  declare stillRunning: PromiseLike<unknown>[] | undefined
  declare private first: Watcher | undefined
  declare private controller: AbortController | undefined
  /**
   * The asynchronous context of the code that first read the signal. Listeners run in it, because the code that cancels
   * (a timer for many calls, another attempt, the last caller of a shared flight) has none or a different one. Undefined
   * if the runtime cannot capture a context.
   */
  declare private listenersContext: CapturedContext | undefined

  constructor() {
    super()
    this.cancellation = undefined
    this.stillRunning = undefined
    this.first = undefined
    this.controller = undefined
    this.listenersContext = undefined
  }

  /** The signal of this scope. Created on first access. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      this.listenersContext = captureContext()
      if (this.cancellation !== undefined) this.controller.abort(this.cancellation.reason)
      this.onSignal(this)
    }
    return this.controller.signal
  }

  /** The scope around this one, whose cancellation also cancels this one; undefined for the outermost. */
  get enclosing(): CancelScope | undefined {
    return this.watched
  }

  /** When this scope is due to expire, in milliseconds on the clock of its call; undefined if it does not expire. */
  get expiresMs(): number | undefined {
    return undefined
  }

  /** Whether the end of this scope also ends what has begun in it. If not, it only lets nothing begin any more. */
  get endsWhatRuns(): boolean {
    return true
  }

  /**
   * Cancels this scope, because it is due. Its timer calls this, or a call that would start too late.
   *
   * @returns why nothing may begin in this scope any more
   */
  expire(): Cancellation | undefined {
    return this.cancellation
  }

  /** Stops the time of this scope. Returns false if it has no time, or none that stops. */
  pause(): boolean {
    return false
  }

  /** Lets the time of this scope go on. It stopped at `pausedMs`. */
  resume(_pausedMs: number, _now: number): void {}

  /** The caller's signal that this scope follows; undefined for every other scope. */
  get source(): AbortSignal | undefined {
    return undefined
  }

  /** Cancels this scope, because the scope around it was cancelled. */
  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    if (this.cancellation !== undefined) return
    this.cancellation = cancellation
    // Restart from the front each time: a watcher may remove itself or others while it is notified.
    for (let watcher = this.first; watcher !== undefined; watcher = this.first) {
      watcher.unwatch()
      watcher.onCancel(cancellation, toAbort)
    }
    if (this.controller !== undefined) toAbort.push(this)
  }

  /**
   * Cancels the scope. A second cancellation changes nothing.
   *
   * All policies inside, also those in nested scopes, are notified before any signal aborts. User code that listens to
   * a signal therefore finds the permits released.
   */
  cancel(cancellation: Cancellation): void {
    notify(this, cancellation)
  }

  /** Called when this scope, or one inside it, has created its signal. Tells the scopes around this one. */
  onSignal(scope: CancelScope): void {
    this.enclosing?.onSignal(scope)
  }

  /** Aborts the signal, if an operation has read it. Called after all watchers were notified. */
  abortSignal(reason: unknown = this.cancellation?.reason): void {
    const { controller, listenersContext } = this
    if (controller === undefined) return
    const abort = (): void => controller.abort(reason)
    if (listenersContext === undefined) abort()
    else listenersContext.runInAsyncScope(abort)
  }

  /** Records work that may continue although the scope is cancelled. */
  addStillRunning(work: PromiseLike<unknown>): void {
    this.stillRunning ??= []
    this.stillRunning.push(work)
  }

  /** Only {@link Watcher} calls this. The neighbours of the watcher are undefined. */
  add(watcher: Watcher): void {
    const { first } = this
    watcher.after = first
    if (first !== undefined) first.before = watcher
    this.first = watcher
  }

  /** Only {@link Watcher} calls this. */
  addLast(watcher: Watcher): void {
    let last = this.first
    if (last === undefined) {
      this.first = watcher
      return
    }
    while (last.after !== undefined) last = last.after
    last.after = watcher
    watcher.before = last
  }

  /** Only {@link Watcher} calls this. */
  remove(watcher: Watcher): void {
    if (watcher.before === undefined) this.first = watcher.after
    else watcher.before.after = watcher.after
    if (watcher.after !== undefined) watcher.after.before = watcher.before
    watcher.before = undefined
    watcher.after = undefined
  }
}
