import { MisuseError } from '../misuse-error.ts'

/**
 * Whether a value is an async iterator, such as the result of an async generator function.
 *
 * Its work starts when a reader asks for the first item, so it has not begun when the call ends. A stream has no `next`:
 * it is a body, whose source works already.
 */
export function isAsyncIterator(value: object): value is AsyncIterator<unknown> {
  try {
    // Nearly all values have no such method, so one read decides.
    const iterator = value as Partial<AsyncIterableIterator<unknown>>
    return typeof iterator[Symbol.asyncIterator] === 'function' && typeof iterator.next === 'function'
  } catch {
    return false
  }
}

/** Makes the error for an operation that returns an async iterator. */
export function iteratorReturned(shield: string): TypeError {
  return new MisuseError(
    `shield '${shield}': the operation returned an async iterator, whose work would run outside all policies after the call has ended; read it with \`for await (const row of shield.iterate(operation))\`, or consume it inside the operation`,
  )
}
