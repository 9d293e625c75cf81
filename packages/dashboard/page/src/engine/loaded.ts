import { effect, signal } from '@preact/signals'
import { parts } from '../state/state.ts'

/** What the page says about a log engine, once it is loaded. It is a separate script, because files need none of it. */
export const engine = signal<typeof import('./engine.ts') | undefined>(undefined)

let isLoading = false

/** Loads it where the data come from an engine. */
export function loadEngine(): void {
  effect(() => {
    if (parts.value?.engine === undefined || isLoading) return
    isLoading = true
    void load()
  })
}

async function load(): Promise<void> {
  engine.value = await import('./engine.ts')
}
