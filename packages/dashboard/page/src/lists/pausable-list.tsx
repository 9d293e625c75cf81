import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { f, openTrace, t } from '../state/state.ts'
import { openLine } from '../state/view.ts'

interface PausableListProps<T> {
  readonly items: readonly T[]
  readonly keyOf: (item: T) => string
  readonly row: (item: T) => ComponentChildren
  readonly label: string
  readonly name: string
}

/**
 * A list that grows at its top. While it has the pointer or the focus, new items wait behind a button.
 *
 * They also wait while the drawer is open, so that the focus can return to its row.
 */
export function PausableList<T>({ items, keyOf, row, label, name }: PausableListProps<T>) {
  const [hasPointer, setPointer] = useState(false)
  const [hasFocus, setFocus] = useState(false)
  const [, setShown] = useState(0)
  const shown = useRef<readonly T[]>(items)
  const scroll = useRef<HTMLElement>(null)
  const isRead = hasPointer || hasFocus || openTrace.value !== undefined || openLine.value !== undefined
  if (!isRead) shown.current = items
  const shownKeys = new Set(shown.current.map(keyOf))
  const fresh = isRead ? items.filter((item) => !shownKeys.has(keyOf(item))).length : 0
  const showNew = (): void => {
    shown.current = items
    setShown((times) => times + 1)
    // The button disappears, and the focus must not.
    scroll.current?.focus({ preventScroll: true })
    scroll.current?.scrollTo({ top: 0 })
  }
  return (
    <div
      class="pausable"
      onPointerEnter={() => setPointer(true)}
      onPointerLeave={() => setPointer(false)}
      onFocusIn={() => setFocus(true)}
      onFocusOut={() => setFocus(false)}
    >
      {fresh > 0 && (
        <button type="button" class="fresh" onClick={showNew}>
          ↑ {t.value.fresh(f.value.count(fresh))}
        </button>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard */}
      <section class={`scroll ${name}`} tabIndex={0} aria-label={label} ref={scroll}>
        <ul id={name}>
          {shown.current.map((item) => (
            <li key={keyOf(item)}>{row(item)}</li>
          ))}
        </ul>
      </section>
    </div>
  )
}
