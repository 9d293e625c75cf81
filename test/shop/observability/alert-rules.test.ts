import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { debianPackage, INSTALL_MS_MAX } from '../../helpers/debian.ts'
import { endAll, ROOT, startScript } from '../helpers/processes.ts'

// Runs each generated alert with Prometheus' own unit tests: on series that must raise it, and on series that must not.

// Builds one shield for every kind of policy that an alert reads.
const MODULE = `
import { adaptiveLimiter, bulkhead, circuitBreaker, fallback, rateLimiter, shield, timeout } from 'escudo'
export const shields = [
  shield('products', circuitBreaker()),
  shield('inventory', fallback(null), timeout('1s'), circuitBreaker()),
  shield('mail', rateLimiter({ limit: 10, per: '1s' }), bulkhead({ limit: 10 })),
  shield('search', adaptiveLimiter()),
]
`

const SERVICE = 'shop'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-alerts-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(join(ROOT, 'packages/escudo'), join(folder, 'node_modules/escudo'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: SERVICE, type: 'module' }))
  await writeFile(join(folder, 'module.ts'), MODULE)
  const args = ['observability', '--module', join(folder, 'module.ts'), '--out', folder]
  const cli = startScript('packages/cli/src/bin.ts', args, {})
  expect([(await cli.exit).code, cli.stderr()]).toEqual([0, ''])
})
afterAll(async () => {
  await endAll()
  await rm(folder, { recursive: true, force: true })
})

/** A series and its values, in the notation of promtool: `1+2x3` is 1 3 5 7. One value a minute. */
type Values = Readonly<Record<string, string>>

interface Case {
  readonly name: string
  readonly series: Values
  /** The time of the check. */
  readonly at: string
  /** The labels of each alert that must fire, beside severity and service; the name of the alert is first. */
  readonly fires: readonly (readonly [alert: string, labels: Readonly<Record<string, string>>])[]
}

const PRESENT = { 'escudo_metrics_folded_total{job="shop"}': '0+0x100' }
const breaker = (shield: string, state: string): string =>
  `escudo_circuit_breaker_state{job="shop",escudo_shield="${shield}",escudo_policy="circuitBreaker",state="${state}"}`
const policy = (metric: string, shield: string, name: string, more = ''): string =>
  `${metric}{job="shop",instance="a",escudo_shield="${shield}",escudo_policy="${name}"${more}}`
// A fallback's share is of the calls, however the service counts them.
const callsOf = (perMinute: number): Values => ({
  [policy('escudo_timeout_executions_total', 'inventory', 'timeout', ',outcome="in_time"')]: `0+${perMinute}x30`,
  'escudo_call_duration_seconds_count{job="shop",escudo_shield="inventory",outcome="success"}': `0+${perMinute}x30`,
})
const requests = 'http_server_request_duration_seconds_count{job="shop"}'
const technical = 'escudo_http_errors_total{job="shop",error_code="X",error_kind="technical"}'
const business = 'escudo_http_errors_total{job="shop",error_code="X",error_kind="business"}'
const labelsOf = (shield: string, name: string): Readonly<Record<string, string>> => ({
  job: 'shop',
  escudo_shield: shield,
  escudo_policy: name,
})
const BURNS = [
  'EscudoErrorBudgetBurn1h',
  'EscudoErrorBudgetBurn6h',
  'EscudoErrorBudgetBurn24h',
  'EscudoErrorBudgetBurn72h',
]

const cases: readonly Case[] = [
  {
    name: 'an open circuit without a fallback is critical',
    series: { [breaker('products', 'open')]: '0 1+0x20' },
    at: '10m',
    fires: [['EscudoCircuitOpen', labelsOf('products', 'circuitBreaker')]],
  },
  {
    name: 'an open circuit with a fallback is a warning',
    series: { [breaker('inventory', 'open')]: '0 1+0x20' },
    at: '10m',
    fires: [['EscudoCircuitOpenWithFallback', labelsOf('inventory', 'circuitBreaker')]],
  },
  {
    name: 'a circuit that opened once and closed again raises nothing',
    series: { [breaker('products', 'open')]: '0 1 0+0x20' },
    at: '3m',
    fires: [],
  },
  {
    name: 'an isolated circuit raises an alert after an hour',
    series: { [breaker('products', 'isolated')]: '1+0x100' },
    at: '61m',
    fires: [['EscudoCircuitForced', { ...labelsOf('products', 'circuitBreaker'), state: 'isolated' }]],
  },
  {
    name: 'a fifth of the calls gets the fallback',
    series: {
      [policy('escudo_fallback_uses_total', 'inventory', 'fallback')]: '0+20x30',
      ...callsOf(100),
    },
    at: '20m',
    fires: [['EscudoFallbackShare', { job: 'shop', escudo_shield: 'inventory' }]],
  },
  {
    name: 'a twentieth of the calls gets the fallback: no alert',
    series: {
      [policy('escudo_fallback_uses_total', 'inventory', 'fallback')]: '0+5x30',
      ...callsOf(100),
    },
    at: '20m',
    fires: [],
  },
  {
    name: 'a full bulkhead',
    series: {
      [policy('escudo_bulkhead_in_use', 'mail', 'bulkhead')]: '10+0x30',
      [policy('escudo_bulkhead_limit', 'mail', 'bulkhead')]: '10+0x30',
    },
    at: '20m',
    fires: [['EscudoBulkheadSaturated', { ...labelsOf('mail', 'bulkhead'), instance: 'a' }]],
  },
  {
    name: 'a bulkhead that is half full: no alert',
    series: {
      [policy('escudo_bulkhead_in_use', 'mail', 'bulkhead')]: '5+0x30',
      [policy('escudo_bulkhead_limit', 'mail', 'bulkhead')]: '10+0x30',
    },
    at: '20m',
    fires: [],
  },
  {
    name: 'an adaptive limiter rejects calls',
    series: { [policy('escudo_bulkhead_rejections_total', 'search', 'adaptiveLimiter')]: '0+6x30' },
    at: '20m',
    fires: [['EscudoPermitsExhausted', labelsOf('search', 'adaptiveLimiter')]],
  },
  {
    name: 'a rate limiter rejects a tenth of the calls',
    series: {
      [policy('escudo_rate_limiter_requests_total', 'mail', 'rateLimiter', ',outcome="admitted"')]: '0+90x30',
      [policy('escudo_rate_limiter_requests_total', 'mail', 'rateLimiter', ',outcome="rejected"')]: '0+10x30',
    },
    at: '20m',
    fires: [['EscudoRateLimited', labelsOf('mail', 'rateLimiter')]],
  },
  {
    name: 'technical errors in a tenth of the requests: each pair of windows',
    series: { [requests]: '0+100x100', [technical]: '0+10x100' },
    at: '90m',
    fires: BURNS.map((alert) => [alert, { job: 'shop' }]),
  },
  {
    name: 'technical errors in 0.4 % of the requests: only the slow pairs',
    series: { [requests]: '0+1000x100', [technical]: '0+4x100' },
    at: '90m',
    fires: BURNS.slice(2).map((alert) => [alert, { job: 'shop' }]),
  },
  {
    name: 'the errors have ended: the short window ends the fast alert',
    series: { [requests]: '0+100x100', [technical]: '0+10x50 500+0x50' },
    at: '60m',
    fires: BURNS.slice(1).map((alert) => [alert, { job: 'shop' }]),
  },
  {
    name: 'business errors use up no budget',
    series: { [requests]: '0+100x100', [business]: '0+50x100' },
    at: '90m',
    fires: [],
  },
  {
    name: 'a log line was lost',
    series: { 'escudo_log_lines_lost_total{job="shop",instance="a",reason="ENOSPC"}': '0x5 7x20' },
    at: '10m',
    fires: [['EscudoLogLinesLost', { job: 'shop', instance: 'a', reason: 'ENOSPC' }]],
  },
]

const ALERTS = [
  'EscudoCircuitOpen',
  'EscudoCircuitOpenWithFallback',
  'EscudoCircuitForced',
  'EscudoFallbackShare',
  'EscudoBulkheadSaturated',
  'EscudoPermitsExhausted',
  'EscudoRateLimited',
  ...BURNS,
  'EscudoLogLinesLost',
  'EscudoMetricsMissing',
]

test(
  'each alert fires on its own series, and on no other',
  async (context) => {
    const promtool = (await promtoolOr(context)) as string
    const rules = await readFile(join(folder, 'rules.yml'), 'utf8')
    expect([...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name)).toEqual(ALERTS)
    const tests = cases.map(({ series, at, fires, name }) => testOf(name, { ...PRESENT, ...series }, at, fires))
    const missing = testOf('no metrics at all', {}, '10m', [['EscudoMetricsMissing', { job: 'shop' }]])
    const file = join(folder, 'tests.json')
    // Without the annotations: promtool compares them only if a test names them. JSON is YAML.
    await writeFile(
      file,
      JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests: [...tests, missing] }),
    )
    expect(await run(promtool, ['test', 'rules', file])).toEqual({
      code: 0,
      output: expect.stringContaining('SUCCESS'),
    })
  },
  INSTALL_MS_MAX + 60_000,
)

async function promtoolOr({ skip }: TestContext): Promise<string> {
  return (await debianPackage('prometheus', 'promtool')) ?? skip()
}

/** One test of promtool: which alerts fire at a time, and that all others do not. */
function testOf(name: string, series: Values, at: string, fires: Case['fires']): object {
  return {
    name,
    interval: '1m',
    input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
    promql_expr_test: ALERTS.map((alert) => ({
      expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
      eval_time: at,
      exp_samples: fires
        .filter(([name]) => name === alert)
        .map(([, labels]) => ({ labels: seriesText(alert, labels), value: 1 })),
    })),
  }
}

function seriesText(alert: string, labels: Readonly<Record<string, string>>): string {
  const severity = CRITICAL.includes(alert) ? 'critical' : 'warning'
  const all = { alertname: alert, alertstate: 'firing', severity, service: SERVICE, ...labels }
  return `ALERTS{${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`
}

const CRITICAL = ['EscudoCircuitOpen', 'EscudoErrorBudgetBurn1h', 'EscudoErrorBudgetBurn6h', 'EscudoMetricsMissing']

function run(command: string, args: readonly string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    )
  })
}
