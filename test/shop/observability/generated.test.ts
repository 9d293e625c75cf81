import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { debianPackage, INSTALL_MS_MAX } from '../../helpers/debian.ts'
import {
  type Prometheus,
  type Sample,
  startAlertmanager,
  startPrometheus,
  startWebhook,
} from '../helpers/monitoring.ts'
import { ROOT, startScript, until } from '../helpers/processes.ts'
import { ask, clearFault, setFault } from '../helpers/requests.ts'
import { cleanUp, type System, startSystem, stopSystem } from '../helpers/system.ts'

// Runs what `escudo observability` generates for the shop: every panel query in Prometheus, the alerts through
// Alertmanager into a webhook.

const JOB = 'potion-shop'
const INTERVAL = '250ms'
const SHOP = 'examples/potion-shop/src/shop'
/** What Grafana uses for `$__rate_interval`, at least four scrapes. */
const RATE_INTERVAL = '4s'
const FIRES_WITHIN_MS = 20_000
// The circuit stays open for ten seconds before its first probe.
const RESOLVES_WITHIN_MS = 40_000

let system: System
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-generated-'))
  // A hundredth of each window, so that five minutes are three seconds.
  const args = ['--module', `${SHOP}/shields.ts`, '--module', `${SHOP}/catalogue.ts`, '--window-scale', '0.01']
  const cli = startScript('packages/cli/src/bin.ts', ['observability', ...args, '--out', folder], {})
  expect([(await cli.exit).code, cli.stderr()]).toEqual([0, ''])
  system = await startSystem()
})
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
  await rm(folder, { recursive: true, force: true })
})

async function program(name: string, pack: string, { skip }: TestContext): Promise<string> {
  return (await debianPackage(pack, name)) ?? skip()
}

test(
  'promtool accepts the generated rules and the metrics that they read',
  async (context) => {
    const promtool = await program('promtool', 'prometheus', context)
    const rules = await run(promtool, ['check', 'rules', join(folder, 'rules.yml')])
    expect(rules).toMatchObject({ code: 0, output: expect.stringMatching(/SUCCESS: \d+ rules found/) })
    const { text } = await ask(system, JOB, '/metrics')
    expect(await run(promtool, ['check', 'metrics'], text)).toEqual({ code: 0, output: '' })
  },
  INSTALL_MS_MAX + 20_000,
)

test(
  'every panel returns data, and the alert of a broken inventory fires and resolves',
  async (context) => {
    const prometheusProgram = await program('prometheus', 'prometheus', context)
    const alertmanagerProgram = await program('prometheus-alertmanager', 'prometheus-alertmanager', context)
    const webhook = await startWebhook()
    const alertmanager = await startAlertmanager(alertmanagerProgram, folder, webhook.url)
    const prometheus = await startPrometheus({
      program: prometheusProgram,
      folder,
      interval: INTERVAL,
      jobs: { [JOB]: system.ports[JOB] },
      rules: [join(folder, 'rules.yml')],
      alertmanagerPort: alertmanager.port,
    })
    const load = startLoad()
    try {
      const isOpen = 'EscudoCircuitOpenWithFallback'
      const noticeOf = (status: 'firing' | 'resolved', withinMs: number) =>
        until(
          `${isOpen} is ${status}; got ${JSON.stringify(webhook.notices)}`,
          () => webhook.notices.find((notice) => notice.labels['alertname'] === isOpen && notice.status === status),
          withinMs,
        )
      await until('a scrape', async () => (await prometheus.query(`up{job="${JOB}"} == 1`)).length > 0)
      await delay(2_000)
      expect((await prometheus.activeAlerts()).map(({ name }) => name)).not.toContain(isOpen)

      const brokenAt = performance.now()
      await setFault(system, 'inventory-service', { status: 503 })
      const firing = await noticeOf('firing', FIRES_WITHIN_MS)
      expect(firing.labels).toMatchObject({ escudo_shield: 'inventory', severity: 'warning', service: JOB, job: JOB })
      expect(firing.annotations['summary']).toBe(
        "potion-shop: the circuit of shield 'inventory' is open; callers get its fallback",
      )
      expect(firing.annotations['description']).toContain("policy 'circuitBreaker' of shield 'inventory'")

      const queries = await panelQueries(prometheus)
      expect(queries.length).toBeGreaterThan(20)
      const empty = new Map<string, readonly Sample[]>(queries.map(({ title }) => [title, []]))
      await until('every panel has data', async () => {
        for (const { title, expr } of queries) {
          const samples = await prometheus.query(expr)
          if (samples.some(({ value }) => Number.isFinite(value))) empty.delete(title)
        }
        return empty.size === 0
      }).catch((error: Error) => {
        throw new Error(`${error.message}: ${[...empty.keys()].join(', ')}`)
      })

      const healedAt = performance.now()
      await clearFault(system, 'inventory-service')
      const resolved = await noticeOf('resolved', RESOLVES_WITHIN_MS)
      const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
      console.log(
        `${queries.length} panel queries; fired after ${seconds(firing.atMs - brokenAt)}, resolved after ${seconds(resolved.atMs - healedAt)}`,
      )
    } finally {
      await load.stop()
      prometheus.process.send('SIGTERM')
      alertmanager.process.send('SIGTERM')
      await Promise.all([prometheus.process.exit, alertmanager.process.exit])
      await webhook.close()
    }
  },
  INSTALL_MS_MAX * 2 + 120_000,
)

/** Sends requests to every kind of route until it is stopped. */
function startLoad(): { readonly stop: () => Promise<void> } {
  const paths = [
    '/items/item1',
    '/items/nada',
    '/product-details/mana-potion',
    '/product-details/mana-potion',
    '/call-service',
    '/call-external',
    '/no-such-route',
    // One more than the bulkhead has permits, so that calls wait.
    ...Array.from({ length: 6 }, () => '/bulkhead-demo/a?ms=100'),
  ]
  let stopped = false
  const workers = paths.map(async (path) => {
    while (!stopped) {
      await ask(system, JOB, path)
      await delay(20)
    }
  })
  return {
    stop: async () => {
      stopped = true
      await Promise.all(workers)
    },
  }
}

interface PanelModel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

interface DashboardModel {
  readonly panels: readonly PanelModel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string; readonly includeAll: boolean }[]
  }
}

/** The queries of all panels, with the variables as Grafana resolves them: by the queries of the variables. */
async function panelQueries(prometheus: Prometheus): Promise<readonly { title: string; expr: string }[]> {
  const dashboard = JSON.parse(await readFile(join(folder, 'dashboard.json'), 'utf8')) as DashboardModel
  const values = new Map([['__rate_interval', RATE_INTERVAL]])
  const resolve = (text: string): string => text.replace(/\$(\w+)/g, (match, name: string) => values.get(name) ?? match)
  for (const { name, query } of dashboard.templating.list) {
    const [, selector, label] = /^label_values\((.+), ?(\w+)\)$/.exec(query) ?? []
    if (selector === undefined || label === undefined) continue
    const found = await prometheus.labelValues(label, resolve(selector))
    expect([name, found.length]).not.toEqual([name, 0])
    values.set(name, found.join('|'))
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  for (const { title, targets } of panels) expect([title, targets?.length]).not.toEqual([title, 0])
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr: resolve(expr) })),
  )
  expect(queries.filter(({ expr }) => expr.includes('$'))).toEqual([])
  return queries
}

function run(
  command: string,
  args: readonly string[],
  input = '',
): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd: ROOT }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    )
    child.stdin?.end(input)
  })
}
