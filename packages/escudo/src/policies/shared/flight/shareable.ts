import type { Binding } from '../../../core/binding.ts'
import type { CallState } from '../../../core/engine/call.ts'
import { discard } from '../../../core/engine/discard.ts'
import { addNote } from '../../../core/explain/notes.ts'
import { MisuseError } from '../../../core/misuse-error.ts'
import { read } from '../../../errors/safe-read.ts'

// Cache and coalesce need calls with a key, and values that many callers can read. A violation is a mistake in the
// program and says nothing about the dependency: a TypeError that says what to do.

/** Makes the error for a call without a key. TypeScript rejects such calls, except after a cast. */
export function keyMissing(call: CallState, { shield, policy }: Binding): TypeError {
  addNote(call.root, { policy, state: 'no key', endedHere: true })
  return new MisuseError(
    `shield '${shield}': the policy '${policy}' needs a key: run(operation, { key }) or wrap(fn, { key: (...args) => … })`,
  )
}

/**
 * Checks that many callers can read a value.
 *
 * @throws TypeError for a `Response`, a `Request`, a stream or an iterator, which can be read only once
 */
export function checkShareable(value: unknown, { shield, policy }: Binding): void {
  if (typeof value !== 'object' || value === null) return
  const what = readableOnce(value)
  if (what === undefined) return
  discard(value)
  throw new MisuseError(
    `shield '${shield}': the policy '${policy}' gives one value to many callers, but ${what} can be read only once; read it inside the operation, as in \`return await response.json()\``,
  )
}

/** Checks methods, not classes: a program with a custom `fetch` has more than one class `Response`. */
function readableOnce(value: object): string | undefined {
  if (typeof read(value, 'bodyUsed') === 'boolean') return 'the body of a Response'
  const has = (key: PropertyKey): boolean => typeof read(value, key) === 'function'
  // An Observable has a `pipe` too, but no boolean `readable`.
  if (has('getReader') || (has('pipe') && typeof read(value, 'readable') === 'boolean')) return 'a stream'
  return has('next') && (has(Symbol.iterator) || has(Symbol.asyncIterator)) ? 'an iterator' : undefined
}
