import { signal } from '@preact/signals'
import { useRef } from 'preact/hooks'

/** Lists and tables: while the pointer or the focus is on one of them, no row may move. */
const READ = '.pausable, .cards tbody'

/** Whether the user is reading a list or a table. */
const isReading = signal(false)

let isPointed = false
let isFocused = false
document.addEventListener('pointerover', ({ target }) => {
  isPointed = isWithin(target)
  isReading.value = isPointed || isFocused
})
document.documentElement.addEventListener('pointerleave', () => {
  isPointed = false
  isReading.value = isFocused
})
document.addEventListener('focusin', ({ target }) => {
  isFocused = isWithin(target)
  isReading.value = isPointed || isFocused
})
document.addEventListener('focusout', () => {
  isFocused = false
  isReading.value = isPointed
})

/** Returns the rows to show, and how many wait. While the user reads, rows keep their order, and new ones wait. */
export function useHeld<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
): { readonly shown: readonly T[]; readonly waiting: number } {
  const held = useRef<readonly string[]>([])
  const byKey = new Map(rows.map((row) => [keyOf(row), row]))
  if (!isReading.value || held.current.length === 0) held.current = [...byKey.keys()]
  const shown = held.current.flatMap((key) => byKey.get(key) ?? [])
  return { shown, waiting: rows.length - shown.length }
}

function isWithin(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(READ) !== null
}
