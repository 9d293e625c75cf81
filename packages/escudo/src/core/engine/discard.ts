import { ignoreRejection, isThenable } from '../../errors/options/synchronous.ts'
import { isAsyncIterator } from './async-iterator.ts'

// Marks a value that its owner still reads, although a policy has rejected it. A WeakSet would cost each call more.
// Registered, so that two installed copies of escudo understand each other.
const KEPT_OPEN: unique symbol = Symbol.for('escudo.kept-open')

interface Markable {
  [KEPT_OPEN]?: true
}

/** Marks a value that {@link discard} must not touch, because a caller has received it. */
export function keepOpen(value: object): void {
  ;(value as Markable)[KEPT_OPEN] = true
}

/**
 * Releases what a value holds if no caller receives it: a rejected value that a later attempt replaces, or the value of
 * an operation that ends after its call.
 *
 * An unread body holds a socket. The body of a `Response` is cancelled, a web stream or its reader is cancelled, a
 * readable Node stream is destroyed (also as the `body` of an object), and an async iterator is returned. A locked or
 * used body has a reader, so it stays open. Other objects may be shared, for example a database connection, so they stay
 * as they are. Never throws.
 */
export function discard(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  try {
    if ((value as Markable)[KEPT_OPEN] === true) return
    const { body, bodyUsed } = value as { readonly body?: unknown; readonly bodyUsed?: unknown }
    if (release(value, true) || bodyUsed === true || typeof body !== 'object' || body === null) return
    release(body, false)
  } catch {
    // A getter or a method threw. There is nothing left to release.
  }
}

interface Releasable {
  readonly cancel?: unknown
  readonly destroy?: unknown
  readonly getReader?: unknown
  readonly releaseLock?: unknown
  readonly locked?: unknown
  readonly pipe?: unknown
  readonly return?: unknown
  readonly write?: unknown
  on?(event: 'error', listener: () => void): void
}

/** Releases a stream or an iterator. Returns false if the object is neither. */
function release(object: Releasable, isValue: boolean): boolean {
  if (isAsyncIterator(object)) {
    if (typeof object.return === 'function') ignoreResult(object.return())
    return true
  }
  // The body of a Response may be no web stream, in a custom `fetch`. A value with `cancel` alone may be anything.
  if (typeof object.cancel === 'function' && (!isValue || isWebStream(object))) {
    if (object.locked !== true) ignoreResult(object.cancel())
    return true
  }
  // A stream that can also be written may be a connection, which other calls share.
  if (typeof object.pipe !== 'function' || typeof object.destroy !== 'function' || 'write' in object) return false
  // Some streams report their own destruction as an error, which would end the process without a listener.
  object.on?.('error', () => {})
  object.destroy()
  return true
}

/** Whether an object is a web stream or a reader of one. */
function isWebStream({ getReader, releaseLock }: Releasable): boolean {
  return typeof getReader === 'function' || typeof releaseLock === 'function'
}

/** The result of a method of the stream or iterator: a promise, or anything. */
function ignoreResult(result: unknown): void {
  if (isThenable(result)) ignoreRejection(result)
}
