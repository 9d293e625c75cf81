import type { Alert, AlertSettings } from './alerts/alert.ts'
import type { Panel } from './dashboard/panel.ts'
import { GENERATED } from './generated.ts'
import type { Service } from './service/service.ts'

/** Writes what each panel and each alert answers, and what the service consists of. */
export function readmeText(
  service: Service,
  panels: readonly Panel[],
  alerts: readonly Alert[],
  { job, objective, windowScale }: AlertSettings,
): string {
  const sections = [
    `<!-- ${GENERATED} -->`,
    `# Observability of ${cell(service.name)}`,
    `\`dashboard.json\` is a dashboard for Grafana, \`rules.yml\` has alert rules for Prometheus. Both read the metrics that \`createMetrics\` of \`escudo/telemetry\` writes. They expect the job **${cell(job)}** in the configuration of Prometheus:`,
    `\`\`\`yaml\nscrape_configs:\n  - job_name: ${JSON.stringify(job)}\n    static_configs: [{ targets: ['HOST:PORT'] }]\nrule_files: [rules.yml]\n\`\`\``,
    'In Grafana, choose _Dashboards_, _New_, _Import_, and upload `dashboard.json`.',
    ...(windowScale === 1
      ? []
      : [`> The times in \`rules.yml\` are multiplied by ${windowScale}. Use such rules for tests only.`]),
    '## Panels',
    ...sectionsOf(panels),
    '## Alerts',
    `The objective is that ${objective} % of the requests have no technical error. Each alert has the labels \`severity\` and \`service\`. Its annotation \`description\` says what to do.`,
    table(
      ['alert', 'severity', 'fires when'],
      alerts.map(({ name, severity, when }) => [name, severity, when]),
    ),
    ...alerts.map(({ name, description }) => `**${name}.** ${inWords(description)}`),
    '## Shields',
    service.shields.length === 0
      ? 'The modules build no shield.'
      : table(
          ['shield', 'policies, outermost first'],
          service.shields.map(({ name, policies, exported }) => [
            name,
            `${policies.map(policyText).join(', ')}${exported ? '' : ' (those with metrics, sorted by name: no module exports the shield)'}`,
          ]),
        ),
    'A client of `resilientFetch` without a shield of its user builds one for each origin with its first request. Such a shield is listed here only if the command had its name (`--client`); the panels and alerts include it in any case.',
    '## Errors',
    service.errors.length === 0
      ? 'The modules export no catalogue.'
      : table(
          ['error', 'code', 'status', 'kind', 'message'],
          service.errors.map(({ name, code, status, kind, message }) => [name, code, String(status), kind, message]),
        ),
    'Errors of kind `technical` use up the error budget. Errors of kind `business` are for the client to act on. Errors that no catalogue lists, such as refusals of a shield, appear under their own codes.',
  ]
  return `${sections.join('\n\n')}\n`
}

function sectionsOf(panels: readonly Panel[]): readonly string[] {
  return [...new Set(panels.map(({ row }) => row))].flatMap((row) => [
    `### ${row}`,
    table(
      ['panel', 'question'],
      panels.filter((panel) => panel.row === row).map(({ title, question }) => [title, question]),
    ),
  ])
}

function policyText({ name, type }: { readonly name: string; readonly type?: string }): string {
  return type === undefined || type === name ? name : `${name} (${type})`
}

/** Replaces Prometheus' templates by words, and escaped braces by braces. */
function inWords(text: string): string {
  return cell(
    text
      .replace(/\{\{ \$labels\.(?:escudo_)?(\w+) \}\}/g, (_, label: string) => label.toUpperCase())
      .replaceAll('{{ "{{" }}', '{{'),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Texts come from the service: they must not break the table or become HTML. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\|<`*_[\]]/g, '\\$&')
}
