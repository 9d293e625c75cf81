import { stringify } from 'yaml'
import { GENERATED } from '../generated.ts'
import { literal } from '../promql.ts'
import type { Service } from '../service/service.ts'
import type { Alert } from './alert.ts'

/** Writes the alerts as a rule file of Prometheus. */
export function rulesText(service: Service, alerts: readonly Alert[]): string {
  const rules = alerts.map(({ name, severity, expr, holds, summary, description }) => ({
    alert: name,
    expr,
    ...(holds === undefined ? {} : { for: holds }),
    labels: { severity, service: literal(service.name) },
    annotations: { summary, description },
  }))
  const groups = [{ name: `escudo-${service.name}`, rules }]
  // Without a width, no text is folded, so that a search finds it.
  return `# ${GENERATED}\n${stringify({ groups }, { lineWidth: 0 })}`
}
