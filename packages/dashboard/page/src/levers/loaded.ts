import { signal } from '@preact/signals'

/** Where the levers are: the service says so in its page. Undefined where there are none. */
export const leversPath: string | undefined =
  document.querySelector<HTMLMetaElement>('meta[name="escudo-levers"]')?.content || undefined

/** The levers, once they are loaded. They are a separate script, because most pages have none. */
export const levers = signal<typeof import('./levers.ts') | undefined>(undefined)

/** Loads the levers where the service has them. Without them the page shows the breakers as it always does. */
export async function loadLevers(): Promise<void> {
  if (leversPath !== undefined) levers.value = await import('./levers.ts')
}
