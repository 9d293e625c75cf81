import type { Binding } from '../../../core/binding.ts'
import { read } from '../../../errors/safe-read.ts'

// What cache and coalesce ask of calls and values. Each is a mistake in the program and no state of the dependency: a
// TypeError, which says what to do.

/** For a call without a key, which the types refuse: a program in JavaScript, or a cast. */
export function keyMissing({ shield, policy }: Binding): TypeError {
  return new TypeError(
    `shield '${shield}': the policy '${policy}' needs a key: run(operation, { key }) or wrap(fn, { key: (...args) => … })`,
  )
}

/**
 * Refuses a value that only one caller could read, for policies that give one value to many.
 *
 * @throws TypeError for a `Response`, a `Request`, a stream, an iterator
 */
export function checkShareable(value: unknown, { shield, policy }: Binding): void {
  if (typeof value !== 'object' || value === null) return
  const what = readableOnce(value)
  if (what === undefined) return
  throw new TypeError(
    `shield '${shield}': the policy '${policy}' gives one value to many, and ${what} can be read only once; read it inside of the operation, as in \`return await response.json()\``,
  )
}

/** By what it can do and not by its class: there is more than one `Response` in a program with a `fetch` of its own. */
function readableOnce(value: object): string | undefined {
  if (typeof read(value, 'bodyUsed') === 'boolean') return 'the body of a Response'
  const has = (key: PropertyKey): boolean => typeof read(value, key) === 'function'
  // An Observable has a `pipe` too.
  if (has('getReader') || (has('pipe') && typeof read(value, 'readable') === 'boolean')) return 'a stream'
  return has('next') && (has(Symbol.iterator) || has(Symbol.asyncIterator)) ? 'an iterator' : undefined
}
