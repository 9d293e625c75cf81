import { asTables, isHelpOpen, isPaused } from './state.ts'
import { moveBy, resetZoom, scaleBy } from './view.ts'

/** Handles keyboard shortcuts, except while the user types. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const target = event.target instanceof HTMLElement ? event.target : document.body
    if (target.matches('input, select, textarea') || document.querySelector('dialog[open]') !== null) return
    // The space bar activates the focused element, as in every page.
    if (event.key === ' ' && target.matches('button, a, summary, [tabindex]')) return
    const action = ACTIONS[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  })
}

const ACTIONS: Readonly<Record<string, () => void>> = {
  '/': () => document.getElementById('filter')?.focus(),
  ' ': () => {
    isPaused.value = !isPaused.value
  },
  '[': () => moveBy(-0.5),
  ']': () => moveBy(0.5),
  '+': () => scaleBy(0.5),
  '-': () => scaleBy(2),
  '0': resetZoom,
  t: () => {
    asTables.value = !asTables.value
  },
  '?': () => {
    isHelpOpen.value = true
  },
}
