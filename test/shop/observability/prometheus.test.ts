import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { debianPackage, INSTALL_MS_MAX } from '../../helpers/debian.ts'
import { startPrometheus } from '../helpers/monitoring.ts'
import { ROOT, until } from '../helpers/processes.ts'
import { ask, setFault } from '../helpers/requests.ts'
import { cleanUp, type System, startSystem, stopSystem } from '../helpers/system.ts'
import { NAMES } from '../helpers/target.ts'

// Checks the metrics with Prometheus itself: its linter, and its server, which scrapes the running shop.

let system: System
let folder: string

beforeAll(async () => {
  system = await startSystem()
  folder = await mkdtemp(join(tmpdir(), 'escudo-prometheus-'))
})
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
  await rm(folder, { recursive: true, force: true })
})

const SERVICES = NAMES.filter((name) => name !== 'dashboard')

async function load(calls: number): Promise<void> {
  const paths = ['/items/item1', '/items/nada', '/product-details/mana-potion', '/call-external', '/no-such-route']
  await Promise.all(
    paths.map(async (path) => {
      for (let call = 0; call < calls; call += 1) await ask(system, 'potion-shop', path)
    }),
  )
}

async function program(name: string, { skip }: TestContext): Promise<string> {
  return (await debianPackage('prometheus', name)) ?? skip()
}

test(
  'promtool finds no problem in the metrics of any service under load',
  async (context) => {
    const promtool = await program('promtool', context)
    const loaded = load(20)
    for (const name of SERVICES) {
      const { text } = await ask(system, name, '/metrics')
      expect(text).toContain('http_server_request_duration_seconds_bucket')
      expect([name, await checkMetrics(promtool, text)]).toEqual([name, { code: 0, output: '' }])
    }
    await loaded
    // It does report a problem when there is one.
    expect(await checkMetrics(promtool, '# TYPE a counter\na 1\n')).toMatchObject({ code: expect.any(Number) })
    expect((await checkMetrics(promtool, '# TYPE a counter\na 1\n')).code).not.toBe(0)
  },
  INSTALL_MS_MAX + 20_000,
)

test(
  'Prometheus scrapes all services as OpenMetrics and returns the numbers of the shop',
  async (context) => {
    const prometheus = await program('prometheus', context)
    const jobs = Object.fromEntries(SERVICES.map((name) => [name, system.ports[name]]))
    const server = await startPrometheus({ program: prometheus, folder, interval: '500ms', jobs })
    const first = async (query: string): Promise<number | undefined> => (await server.query(query))[0]?.value
    await until('all services are up', async () => (await first('sum(up)')) === SERVICES.length)
    await setFault(system, 'inventory-service', { status: 503 })
    const before = (await first('sum(http_server_request_duration_seconds_count{http_route="/items/:id"})')) ?? 0
    await load(4)
    const answers = (query: string, value: number): Promise<unknown> =>
      until(`${query} is ${value}`, async () => (await first(query)) === value)
    await answers('sum(http_server_request_duration_seconds_count{http_route="/items/:id"})', before + 8)
    await answers('sum(escudo_circuit_breaker_state)', 3)
    await answers('count(escudo_circuit_breaker_state{job="potion-shop"})', 15)
    await answers('escudo_fallback_uses_total{escudo_shield="inventory"}', 4)
    await answers('min(http_server_active_requests{job="potion-shop"})', 1)
    const slowest = await first(
      'histogram_quantile(1, sum by (le) (http_client_request_duration_seconds_bucket{job="potion-shop"}))',
    )
    expect(slowest).toBeGreaterThan(0)
    expect(slowest).toBeLessThanOrEqual(10)
    // It rejects a query that it does not understand.
    for (const query of await documentedQueries()) await server.query(query)
    await expect(server.query('rate(')).rejects.toThrow('parse error')
    // Only OpenMetrics has exemplars, so an exemplar proves that Prometheus read OpenMetrics.
    const trace = 'ab'.repeat(16)
    await ask(system, 'potion-shop', '/items/item1', { headers: { traceparent: `00-${trace}-${'1'.repeat(16)}-01` } })
    const exemplars = await until('the exemplar of a request', async () => {
      const found = await server.exemplars('http_server_request_duration_seconds_bucket{http_route="/items/:id"}')
      return found.includes(trace) ? found : undefined
    })
    expect(exemplars.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true)
    server.process.send('SIGTERM')
    expect((await server.process.exit).code).toBe(0)
  },
  INSTALL_MS_MAX + 60_000,
)

/** Reads the PromQL queries in docs/telemetry.md. */
async function documentedQueries(): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, 'docs/telemetry.md'), 'utf8')
  const lines = /```promql\n([\s\S]+?)```/.exec(text)?.[1]?.split('\n') ?? []
  const queries = lines.filter((line) => line !== '' && !line.startsWith('#'))
  expect(queries.length).toBeGreaterThan(3)
  return queries
}

function checkMetrics(promtool: string, text: string): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    const child = execFile(promtool, ['check', 'metrics'], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    )
    child.stdin?.end(text)
  })
}
