import { useState } from 'preact/hooks'
import { f, t } from '../state/state.ts'

const FIRST = 8

/** Returns the first rows, until the user asks for all of them, and the button for it. */
export function useFirstRows<T>(
  rows: readonly T[],
  first: number = FIRST,
): { readonly rows: readonly T[]; readonly button: preact.ComponentChild } {
  const [isAll, setAll] = useState(false)
  // A button for one or two rows takes as much room as the rows.
  if (rows.length <= first + 2) return { rows, button: undefined }
  const button = (
    <p class="more">
      <button type="button" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
        {isAll ? t.value.showFewer : t.value.showAll(f.value.count(rows.length))}
      </button>
    </p>
  )
  return { rows: isAll ? rows : rows.slice(0, first), button }
}
