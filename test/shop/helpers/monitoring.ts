import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePorts, type Running, start, until } from './processes.ts'

/** One series of an answer of Prometheus. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A running Prometheus server. */
export interface Prometheus {
  readonly process: Running
  /** @throws Error if Prometheus does not understand the query */
  readonly query: (text: string) => Promise<readonly Sample[]>
  /** The values of a label among the series that match a selector. */
  readonly labelValues: (label: string, selector: string) => Promise<readonly string[]>
  /** The trace ids of the exemplars of the series that match a query. */
  readonly exemplars: (query: string) => Promise<readonly string[]>
  /** The names and states of the rules that wait or fire. */
  readonly activeAlerts: () => Promise<readonly { readonly name: string; readonly state: string }[]>
}

/** What a Prometheus server is started with. */
export interface PrometheusSettings {
  readonly program: string
  /** For the configuration and the data. */
  readonly folder: string
  readonly interval: string
  /** The port of each job. */
  readonly jobs: Readonly<Record<string, number>>
  readonly rules?: readonly string[]
  readonly alertmanagerPort?: number
}

/** Starts Prometheus on a free port and waits until it answers. */
export async function startPrometheus(settings: PrometheusSettings): Promise<Prometheus> {
  const { program, folder, interval, rules = [], alertmanagerPort } = settings
  const [port] = (await freePorts(1)) as [number]
  const targets = (port: number): readonly object[] => [{ targets: [`127.0.0.1:${port}`] }]
  const config = join(folder, 'prometheus.json')
  // JSON is YAML.
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: interval, evaluation_interval: interval },
      rule_files: rules,
      ...(alertmanagerPort === undefined
        ? {}
        : { alerting: { alertmanagers: [{ static_configs: targets(alertmanagerPort) }] } }),
      scrape_configs: Object.entries(settings.jobs).map(([job_name, port]) => ({
        job_name,
        static_configs: targets(port),
      })),
    }),
  )
  const process = start(
    program,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--rules.alert.resend-delay=1s',
      '--enable-feature=exemplar-storage',
      '--log.level=error',
    ],
    {},
  )
  const base = `http://127.0.0.1:${port}`
  await untilReady(`${base}/-/ready`, process)
  const api = async (path: string, parameters: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { status, data, error } = (await response.json()) as { status: string; data: unknown; error?: string }
    if (status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${error}`)
    return data
  }
  return {
    process,
    query: async (query) => {
      const { result } = (await api('query', { query })) as {
        result: { metric: Record<string, string>; value: [number, string] }[]
      }
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    labelValues: async (label, selector) =>
      (await api(`label/${label}/values`, { 'match[]': selector })) as readonly string[],
    exemplars: async (query) => {
      const now = Date.now() / 1_000
      const series = (await api('query_exemplars', { query, start: String(now - 600), end: String(now + 60) })) as {
        exemplars: { labels: { trace_id: string } }[]
      }[]
      return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id))
    },
    activeAlerts: async () => {
      const { alerts } = (await api('alerts', {})) as { alerts: { labels: { alertname: string }; state: string }[] }
      return alerts.map(({ labels, state }) => ({ name: labels.alertname, state }))
    },
  }
}

/** Starts Alertmanager, which sends every alert at once to a webhook, and waits until it answers. */
export async function startAlertmanager(
  program: string,
  folder: string,
  webhook: string,
): Promise<{ readonly process: Running; readonly port: number }> {
  const [port] = (await freePorts(1)) as [number]
  const config = join(folder, 'alertmanager.json')
  const route = { receiver: 'webhook', group_by: ['...'], group_wait: '100ms', group_interval: '500ms' }
  const receivers = [{ name: 'webhook', webhook_configs: [{ url: webhook, send_resolved: true }] }]
  await writeFile(config, JSON.stringify({ route, receivers }))
  const process = start(
    program,
    [
      `--config.file=${config}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // Empty: no cluster.
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    {},
  )
  await untilReady(`http://127.0.0.1:${port}/-/ready`, process)
  return { process, port }
}

/** An alert as a webhook gets it. */
export interface Notice {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** On `performance.now()`. */
  readonly atMs: number
}

/** A local receiver of notifications. */
export interface Webhook {
  readonly url: string
  readonly notices: readonly Notice[]
  readonly close: () => Promise<void>
}

/** Starts a receiver of the notifications of Alertmanager. */
export async function startWebhook(): Promise<Webhook> {
  const notices: Notice[] = []
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as { alerts: Omit<Notice, 'atMs'>[] }
    notices.push(...alerts.map((alert) => ({ ...alert, atMs: performance.now() })))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, notices, close }
}

async function untilReady(url: string, process: Running): Promise<void> {
  let ended = false
  void process.exit.then(() => {
    ended = true
  })
  await until(url, async () => {
    if (ended) throw new Error(`it ended: ${process.stdout()}${process.stderr()}`)
    return await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
  })
}
