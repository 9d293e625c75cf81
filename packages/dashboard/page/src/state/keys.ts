import { asTables, isHelpOpen, isPaused } from './state.ts'

/** The keyboard: one key an action, none while somebody types. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const on = event.target instanceof HTMLElement ? event.target : document.body
    if (on.matches('input, select, textarea') || document.querySelector('dialog[open]') !== null) return
    // The space bar presses what has the focus, as everywhere.
    if (event.key === ' ' && on.matches('button, a, summary, [tabindex]')) return
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
  t: () => {
    asTables.value = !asTables.value
  },
  '?': () => {
    isHelpOpen.value = true
  },
}
