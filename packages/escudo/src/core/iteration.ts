import { ignoreRejection, isThenable } from '../errors/options/synchronous.ts'
import { read as readSafely } from '../errors/safe-read.ts'
import { afterWait, type CallState } from './engine/call.ts'
import type { Host } from './engine/call-root.ts'
import type { CancelScope } from './engine/cancel-scope.ts'
import { discard } from './engine/discard.ts'
import { expireOverdue } from './engine/late-start.ts'
import { pauseTimeouts } from './engine/reader-time.ts'
import { Sleeper } from './engine/sleep.ts'
import { answered, declareIdempotency } from './idempotency.ts'
import { MisuseError } from './misuse-error.ts'
import type { Operation } from './operation.ts'
import { show } from './options/durations.ts'
import type { Outcome } from './outcome.ts'

/** The items that an operation of `iterate` returns: an async iterable, or an iterable. */
export type ItemSource<T> = AsyncIterable<T> | Iterable<T | PromiseLike<T>>

/** What the reader wants: the next item, the end (it left its loop), or to throw an error into the source. */
type Wish = 'next' | 'return' | { readonly thrown: unknown }

/** What the reader gets: an item, or the end of the call. */
type Delivery<T> = { readonly item: T } | { readonly end: Outcome<unknown> }

/** What the source has: an item, or no more of them. */
type Result<T> = { readonly done: false; readonly value: T } | { readonly done: true }
const DONE = { done: true } as const

/**
 * Starts an iteration: the call of `shield.iterate`. It begins when the reader asks for the first item.
 *
 * @param host the data of the shield
 * @param run runs an operation inside the policies of the shield
 */
export function iterate<T>(
  host: Host,
  open: Operation<ItemSource<T>>,
  run: (operation: Operation<void>) => Promise<unknown>,
): AsyncGenerator<T, void, undefined> {
  const iteration = new Iteration(host, open)
  const items = read(iteration, run)
  whenLost(items, iteration)
  return items
}

async function* read<T>(
  iteration: Iteration<T>,
  run: (operation: Operation<void>) => Promise<unknown>,
): AsyncGenerator<T, void, undefined> {
  iteration.check()
  const operation: Operation<void> = (call) => iteration.feed(call as CallState)
  // A hedge compares the times to the first item, and starts no attempt after it.
  declareIdempotency(operation, 'safe')
  iteration.follow(run(operation))
  for (let wish: Wish = 'next'; ; ) {
    const delivery = await iteration.ask(wish)
    if ('end' in delivery) {
      if (!delivery.end.ok) throw delivery.end.error
      // The source did not handle the error that the reader has thrown into it.
      if (typeof wish === 'object' && iteration.rethrows) throw wish.thrown
      if (!iteration.hasEnded) yield* substitute<T>(delivery.end.value, iteration.shield)
      return
    }
    let left = true
    try {
      yield delivery.item
      left = false
      wish = 'next'
    } catch (thrown) {
      left = false
      wish = { thrown }
    } finally {
      if (left) await iteration.end()
    }
  }
}

/** The items that a policy returned in place of those of the operation. */
function substitute<T>(value: unknown, shield: string): AsyncIterable<T> {
  const iterator = iteratorOf<T>(
    value,
    shield,
    'a policy returned a value in place of the items, and it is not iterable',
  )
  return { [Symbol.asyncIterator]: () => iterator }
}

/** Hands the items of a source to its reader, one by one: the source works only while the reader waits. */
class Iteration<T> {
  readonly shield: string
  /** Whether the source has ended, or its reader has left it, without an error. */
  hasEnded = false
  /** Whether the source did not handle the error that the reader has thrown into it. */
  rethrows = false
  readonly #host: Host
  readonly #open: Operation<ItemSource<T>>
  #deliver: ((delivery: Delivery<T>) => void) | undefined
  #onWish: ((wish: Wish) => void) | undefined
  #end: Outcome<unknown> | undefined
  /** The attempt whose items the reader gets: the first one that has an item. */
  #feeding: Promise<void> | undefined

  constructor(host: Host, open: Operation<ItemSource<T>>) {
    this.shield = host.name
    this.#host = host
    this.#open = open
  }

  /** @throws TypeError if the operation is no function, or a policy would give the items to several callers */
  check(): void {
    if (typeof this.#open !== 'function') {
      throw new TypeError(`shield '${this.shield}': iterate() expects a function, got ${show(this.#open)}`)
    }
    const shared = this.#host.policies.find(({ policy: { type } }) => type === 'cache' || type === 'coalesce')
    if (shared === undefined) return
    throw new MisuseError(
      `shield '${this.shield}': the policy '${shared.name}' gives one value to many callers, but items can be read only once; iterate() with another shield`,
    )
  }

  /** Reports the end of the call to the reader. */
  follow(call: Promise<unknown>): void {
    const ended = (end: Outcome<unknown>): void => {
      this.#end = end
      this.#deliver?.({ end })
      // A custom policy may end the call while the source waits for the reader, which asks for no more items now.
      this.#onWish?.('return')
    }
    call.then(
      (value) => ended({ ok: true, value }),
      (error) => ended({ ok: false, error }),
    )
  }

  /** Tells the source what the reader wants, and waits for the answer. */
  ask(wish: Wish): Promise<Delivery<T>> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) {
        resolve({ end: this.#end })
        return
      }
      this.#deliver = resolve
      this.#onWish?.(wish)
    })
  }

  /**
   * Ends the call, because its reader wants no more items, and waits for that.
   *
   * @throws what the source throws when it is closed; nothing if the call had ended before
   */
  async end(): Promise<void> {
    if (this.#end !== undefined) return
    const delivery = await this.ask('return')
    if ('end' in delivery && !delivery.end.ok) throw delivery.end.error
  }

  /** The operation of the call: ends when the last item has been read. */
  async feed(call: CallState): Promise<void> {
    // A policy runs the operation again, although its items are being read. The outcome of the call is that of the items.
    if (this.#feeding !== undefined) return await this.#feeding
    const message = 'the operation of iterate() must return an async iterable'
    const source = iteratorOf<T>(await this.#open(call), this.shield, message)
    if (this.#isLate(call)) return await this.#close(source, call)
    const first = await this.#received(source, await source.next())
    if (this.#isLate(call)) return await this.#close(source, call)
    // A hedge now cancels its other attempts.
    answered(call)
    this.#feeding = this.#feedFrom(source, first, call)
    await this.#feeding
    this.hasEnded = true
  }

  async #feedFrom(source: AsyncIterator<T>, first: Result<T>, call: CallState): Promise<void> {
    for (let result = first; !result.done; ) {
      const resume = pauseTimeouts(call)
      const wish = await this.#next(result.value, call.scope)
      resume()
      if (wish === 'return' || expireOverdue(afterWait(call), Number.POSITIVE_INFINITY, true) !== undefined) {
        await source.return?.()
        return
      }
      if (wish === 'next') {
        result = await this.#received(source, await source.next())
      } else {
        const handled = await this.#throwInto(source, wish.thrown)
        if (handled === undefined) return
        result = handled
      }
      if (this.#isOver(call) && !result.done) {
        await source.return?.()
        return
      }
    }
  }

  /** Gives an item to the reader. Returns what it wants next; its call may be cancelled instead. */
  #next(item: T, scope: CancelScope | undefined): Promise<Wish> {
    return new Promise((resolve) => {
      const sleeper = new Sleeper(() => onWish('return'))
      const onWish = (wish: Wish): void => {
        sleeper.unwatch()
        this.#onWish = undefined
        resolve(wish)
      }
      this.#onWish = onWish
      sleeper.watch(scope)
      this.#deliver?.({ item })
    })
  }

  /**
   * Checks what a source has returned, and waits for an item that is a promise: that is still the work of the source.
   *
   * @throws MisuseError if it is no result of an iterator; what the promise of an item rejects with
   */
  async #received(source: AsyncIterator<T>, result: IteratorResult<T, unknown>): Promise<Result<T>> {
    // Without this check, a number would be a result that is never done.
    if ((typeof result !== 'object' || result === null) && typeof result !== 'function') {
      throw new MisuseError(
        `shield '${this.shield}': the source of iterate() returned ${show(result)} as its next result`,
      )
    }
    if (result.done) return DONE
    const { value } = result
    if (!isThenable(value)) return { done: false, value }
    try {
      return { done: false, value: await value }
    } catch (error) {
      // The source does not know that its item has failed.
      await (async () => source.return?.())().catch(() => {})
      throw error
    }
  }

  /** Returns the next result of a source that handles an error of its reader; undefined if it does not. */
  async #throwInto(source: AsyncIterator<T>, thrown: unknown): Promise<Result<T> | undefined> {
    try {
      if (source.throw !== undefined) return await this.#received(source, await source.throw(thrown))
      await source.return?.()
    } catch (error) {
      if (error !== thrown) throw error
    }
    // The error is the reader's: it says nothing about the dependency.
    this.rethrows = true
    return undefined
  }

  /** Whether no reader wants the items of this attempt any more. */
  #isLate(call: CallState): boolean {
    return this.#isOver(call) || this.#feeding !== undefined
  }

  /** Whether the call has ended, as its source learns. A custom policy may have ended it, while the source worked on. */
  #isOver(call: CallState): boolean {
    return call.scope?.cancellation !== undefined || this.#end !== undefined
  }

  async #close(source: AsyncIterator<T>, call: CallState): Promise<void> {
    await source.return?.()
    const cancellation = call.scope?.cancellation
    if (cancellation !== undefined) throw cancellation.reason
    await this.#feeding
  }
}

function iteratorOf<T>(value: unknown, shield: string, message: string): AsyncIterator<T> {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    const source = value as Partial<AsyncIterable<T> & Iterable<T>>
    if (typeof source[Symbol.asyncIterator] === 'function') {
      const iterator = (source as AsyncIterable<T>)[Symbol.asyncIterator]()
      if (typeof readSafely(iterator, 'next') !== 'function') {
        throw new MisuseError(`shield '${shield}': ${message}; this one has an iterator without next()`)
      }
      return iterator
    }
    if (typeof source[Symbol.iterator] === 'function') return fromSync(source as Iterable<T>)
  }
  discard(value)
  throw new MisuseError(`shield '${shield}': ${message}`)
}

async function* fromSync<T>(items: Iterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.iterator]()
  const once = { [Symbol.iterator]: () => iterator }
  // A generator may handle an error of its reader. To others, `yield*` would report that they cannot.
  if (typeof iterator.throw === 'function') yield* once
  else for (const item of once) yield item
}

let lost: FinalizationRegistry<Iteration<unknown>> | undefined

/** Ends the call of an iteration that its reader has dropped without an end. Its permits would never come back. */
function whenLost<T>(items: AsyncGenerator<T>, iteration: Iteration<T>): void {
  if (typeof FinalizationRegistry !== 'function') return
  lost ??= new FinalizationRegistry((dropped) => ignoreRejection(dropped.end()))
  lost.register(items, iteration as Iteration<unknown>)
}
