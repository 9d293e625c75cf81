import { effect } from '@preact/signals'
import { connection, isPaused, parts, t } from '../state/state.ts'
import { type Appearance, appearanceOf, titleOf } from '../verdict/sentences.ts'

/** The colours of the shield in the favicon. They are the same in light and dark, since the bar of tabs has its own theme. */
const COLOURS: Readonly<Record<Appearance, string>> = {
  healthy: '#3d5a80',
  degraded: '#7a4bb5',
  failing: '#c2331a',
  silent: '#c2331a',
  waiting: '#6b7280',
  paused: '#6b7280',
  lost: '#16181d',
}

/** A white sign for each state, so that the favicons differ by more than their colours. */
const SIGNS: Readonly<Record<Appearance, string>> = {
  healthy: 'M5 8l2.2 2.2L11 6',
  degraded: 'M8 4v5M8 11v1.2',
  failing: 'M5.5 5.5l5 5M10.5 5.5l-5 5',
  silent: 'M4.7 8h1.2M7.4 8h1.2M10.1 8h1.2',
  waiting: 'M8 5.6a2.2 2.2 0 1 0 .01 0z',
  paused: 'M6.4 5.5v5M9.6 5.5v5',
  lost: 'M4.5 4.5l7 7',
}

/** Keeps title and favicon of the tab equal to the verdict, or to the connection when that is lost. */
export function showStateInTab(): void {
  effect(() => {
    const health = parts.value?.health
    const shown = appearanceOf(health?.state, connection.value, isPaused.value)
    document.title = `${titleOf(health, shown, t.value)} · escudo`
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (icon === null || icon.dataset['state'] === shown) return
    icon.dataset['state'] = shown
    icon.href = `data:image/svg+xml,${encodeURIComponent(svgOf(shown))}`
  })
}

function svgOf(shown: Appearance): string {
  const shield = `<path fill="${COLOURS[shown]}" stroke="#fff" stroke-width=".5" d="M8 .7 1.7 2.8v5.4c0 3.5 2.5 6.1 6.3 7.2 3.8-1.1 6.3-3.7 6.3-7.2V2.8z"/>`
  const sign = `<path fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" d="${SIGNS[shown]}"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shield}${sign}</svg>`
}
