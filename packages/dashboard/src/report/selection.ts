import type { CellKey } from '../counts/cells.ts'

/** Which requests figures and charts are about. */
export interface Selection {
  readonly service: string | undefined
  readonly route: string | undefined
  /** Whether requests from one service to another count. A chosen service or route counts all that it answered. */
  readonly hops: boolean
  /** Whether health checks and scrapes count. */
  readonly probes: boolean
}

/** All that was read. */
export const EVERYTHING: Selection = { service: undefined, route: undefined, hops: true, probes: true }

/** What a service answered: hops included, health checks not. */
export const ANSWERED: Selection = { ...EVERYTHING, probes: false }

/** What users sent. */
export const ENTRIES: Selection = { service: undefined, route: undefined, hops: false, probes: false }

/** Creates a selection for the page. */
export function selectionOf(service: string | undefined, route: string | undefined, hops: boolean): Selection {
  return { service, route, hops: hops || service !== undefined || route !== undefined, probes: false }
}

/** Whether a selection includes the service and the route. Events have no route. */
export function selects({ service, route }: Selection, key: CellKey): boolean {
  if (service !== undefined && key.service !== service) return false
  return route === undefined || key.type === 'event' || key.route === route
}

/** Whether a selection includes something with these names. */
export function includes(
  { service, route }: Selection,
  named: { readonly service: string; readonly route?: string | undefined },
): boolean {
  return (service === undefined || named.service === service) && (route === undefined || named.route === route)
}
