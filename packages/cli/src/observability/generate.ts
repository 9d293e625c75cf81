import type { AlertSettings } from './alerts/alert.ts'
import { alertsFor } from './alerts/alerts.ts'
import { rulesText } from './alerts/rules.ts'
import { dashboardOf } from './dashboard/dashboard.ts'
import { panelsFor } from './dashboard/panels.ts'
import { readmeText } from './readme.ts'
import type { Service } from './service/service.ts'

/** The generated files, and how much is in them. */
export interface Generated {
  /** The text of each file by its name. */
  readonly files: Readonly<Record<string, string>>
  readonly panels: number
  readonly alerts: number
}

/** Makes all files for a service. The same service and settings always give the same texts. */
export function generate(service: Service, settings: AlertSettings): Generated {
  const panels = panelsFor(service)
  const alerts = alertsFor(service, settings)
  const dashboard = dashboardOf(service, settings.job, panels)
  return {
    files: {
      'dashboard.json': `${JSON.stringify(dashboard, undefined, 2)}\n`,
      'rules.yml': rulesText(service, alerts),
      'README.md': readmeText(service, panels, alerts, settings),
    },
    panels: panels.length,
    alerts: alerts.length,
  }
}
