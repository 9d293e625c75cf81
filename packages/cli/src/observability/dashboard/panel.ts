import type { Service } from '../service/service.ts'

/** One query of a panel. */
export interface PanelQuery {
  readonly expr: string
  /** The name of each series, with `{{label}}` for its labels. */
  readonly legend: string
}

/** One panel of the dashboard. */
export interface Panel {
  readonly row: string
  readonly title: string
  /** The question that the panel answers. The README and the panel show it. */
  readonly question: string
  readonly unit: 'perSecond' | 'share' | 'seconds' | 'count' | 'breakerState'
  readonly queries: readonly PanelQuery[]
}

/** One panel of a table. A new metric needs one more entry. */
export interface PanelRow extends Omit<Panel, 'row' | 'queries'> {
  /** The panel is left out if no shield of the service has this metric. */
  readonly needs?: string
  readonly queries: (service: Service) => readonly PanelQuery[]
}

/** How far each point of a panel looks back. Grafana replaces it. */
export const RANGE = '$__rate_interval'
/** Selects the job and the instances that the viewer chose. Of several values, Grafana makes a pattern. */
export const SERVICE = 'job="$job",instance=~"$instance"'

/** The only query of a panel. */
export function one(expr: string, legend: string): () => readonly PanelQuery[] {
  return () => [{ expr, legend }]
}
