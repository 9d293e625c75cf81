import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { f, t } from '../state/state.ts'

interface HeldListProps<T> {
  readonly items: readonly T[]
  readonly keyOf: (item: T) => string
  readonly row: (item: T) => ComponentChildren
  readonly label: string
  readonly name: string
}

/** A list that grows at its top, but not under a pointer or a focus: what is new waits behind a button meanwhile. */
export function HeldList<T>({ items, keyOf, row, label, name }: HeldListProps<T>) {
  const [isRead, setRead] = useState(false)
  const held = useRef<readonly T[]>(items)
  if (!isRead) held.current = items
  const known = new Set(held.current.map(keyOf))
  const fresh = isRead ? items.filter((item) => !known.has(keyOf(item))).length : 0
  const letGo = (): void => {
    held.current = items
    setRead(false)
  }
  return (
    <div
      class="held"
      onPointerEnter={() => setRead(true)}
      onPointerLeave={() => setRead(false)}
      onFocusIn={() => setRead(true)}
      onFocusOut={() => setRead(false)}
    >
      {fresh > 0 && (
        <button type="button" class="fresh" onClick={letGo}>
          ↑ {t.value.fresh(f.value.count(fresh))}
        </button>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class={`scroll ${name}`} tabIndex={0} aria-label={label}>
        <ul id={name}>
          {held.current.map((item) => (
            <li key={keyOf(item)}>{row(item)}</li>
          ))}
        </ul>
      </section>
    </div>
  )
}
