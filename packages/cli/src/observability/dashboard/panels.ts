import { hasMetric, type Service } from '../service/service.ts'
import { HTTP, OVERVIEW } from './http-panels.ts'
import { one, type Panel, type PanelRow, RANGE, SERVICE } from './panel.ts'
import { SHIELDS } from './shield-panels.ts'

const TELEMETRY: readonly PanelRow[] = [
  {
    title: 'Lost log lines',
    question: 'Is the log complete, and if not, why?',
    unit: 'count',
    queries: one(`sum by (reason) (increase(escudo_log_lines_lost_total{${SERVICE}}[${RANGE}]))`, '{{reason}}'),
  },
  {
    title: 'Folded measurements',
    question: 'Which metric has too many series, so that new ones lose their labels?',
    unit: 'count',
    queries: one(`sum by (metric) (increase(escudo_metrics_folded_total{${SERVICE}}[${RANGE}]))`, '{{metric}}'),
  },
]

const ROWS = { Overview: OVERVIEW, HTTP, Shields: SHIELDS, Telemetry: TELEMETRY } as const

/** The panels for a service: those whose metrics its shields have. */
export function panelsFor(service: Service): readonly Panel[] {
  return Object.entries(ROWS).flatMap(([row, panels]) =>
    panels.flatMap(({ needs, queries, ...panel }) => {
      if (needs !== undefined && !hasMetric(service, needs)) return []
      const found = queries(service)
      return found.length === 0 ? [] : [{ row, ...panel, queries: found }]
    }),
  )
}
