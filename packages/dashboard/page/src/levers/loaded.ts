import { signal } from '@preact/signals'
import { leversPath } from './path.ts'

/** The levers, once they are loaded. They are a separate script, because most pages have none. */
export const levers = signal<typeof import('./levers.ts') | undefined>(undefined)

/** Loads the levers where the service has them. Without them the page shows the breakers as it always does. */
export async function loadLevers(): Promise<void> {
  if (leversPath !== undefined) levers.value = await import('./levers.ts')
}
