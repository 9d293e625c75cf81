import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { f, t } from '../state/state.ts'

interface PausableListProps<T> {
  readonly items: readonly T[]
  readonly keyOf: (item: T) => string
  readonly row: (item: T) => ComponentChildren
  readonly label: string
  readonly name: string
}

/** A list that grows at its top. While it has the pointer or the focus, new items wait behind a button. */
export function PausableList<T>({ items, keyOf, row, label, name }: PausableListProps<T>) {
  const [isPaused, setPaused] = useState(false)
  const shown = useRef<readonly T[]>(items)
  if (!isPaused) shown.current = items
  const shownKeys = new Set(shown.current.map(keyOf))
  const fresh = isPaused ? items.filter((item) => !shownKeys.has(keyOf(item))).length : 0
  const showNew = (): void => {
    shown.current = items
    setPaused(false)
  }
  return (
    <div
      class="pausable"
      onPointerEnter={() => setPaused(true)}
      onPointerLeave={() => setPaused(false)}
      onFocusIn={() => setPaused(true)}
      onFocusOut={() => setPaused(false)}
    >
      {fresh > 0 && (
        <button type="button" class="fresh" onClick={showNew}>
          ↑ {t.value.fresh(f.value.count(fresh))}
        </button>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard */}
      <section class={`scroll ${name}`} tabIndex={0} aria-label={label}>
        <ul id={name}>
          {shown.current.map((item) => (
            <li key={keyOf(item)}>{row(item)}</li>
          ))}
        </ul>
      </section>
    </div>
  )
}
