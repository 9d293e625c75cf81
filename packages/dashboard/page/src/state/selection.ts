import { computed, effect, signal } from '@preact/signals'

const query = new URLSearchParams(location.search)

/** The service that the figures, charts and lists are about; undefined for all. */
export const service = signal(query.get('service') ?? undefined)
/** The route that they are about. */
export const route = signal(query.get('route') ?? undefined)
/** Whether requests from one service to another count too. */
export const withHops = signal(query.get('hops') === '1')
/** Whether a service or a route is chosen. */
export const isFiltered = computed(() => service.value !== undefined || route.value !== undefined)

/** The selection as a query of the stream. */
export const selectionQuery = computed(() => {
  const chosen = new URLSearchParams()
  for (const [name, value] of Object.entries(chosenValues())) if (value !== undefined) chosen.set(name, value)
  return chosen.size === 0 ? '' : `&${chosen}`
})

effect(() => {
  const url = new URL(location.href)
  for (const [name, value] of Object.entries(chosenValues())) {
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  if (url.href !== location.href) history.replaceState(null, '', url)
})

/** Shows a service, and one of its routes; without arguments everything. */
export function choose(chosenService?: string, chosenRoute?: string): void {
  service.value = chosenService
  route.value = chosenRoute
}

function chosenValues(): Readonly<Record<'service' | 'route' | 'hops', string | undefined>> {
  return { service: service.value, route: route.value, hops: withHops.value ? '1' : undefined }
}
