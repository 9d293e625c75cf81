import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkHistograms, readScrape, type Scrape } from '../../../packages/escudo/src/telemetry/metrics/test/setup.ts'
import { ask, clearFault, setFault } from '../helpers/requests.ts'
import { cleanUp, type System, startSystem, stopSystem } from '../helpers/system.ts'
import type { Name } from '../helpers/target.ts'

// Compares the metrics of the shop with traffic that this test counts, over sockets. Each test continues with the
// counters of the previous one.

let system: System

beforeAll(async () => {
  system = await startSystem()
  await setFault(system, 'flaky-service', { rate: 0 })
})
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
})

async function scrape(name: Name = 'potion-shop', accept?: string): Promise<Scrape> {
  const answer = await ask(system, name, '/metrics', accept === undefined ? {} : { headers: { accept } })
  expect(answer.status).toBe(200)
  return readScrape(answer.text)
}

const get = async (path: string, times = 1): Promise<readonly number[]> => {
  const statuses: number[] = []
  for (let call = 0; call < times; call += 1) statuses.push((await ask(system, 'potion-shop', path)).status)
  return statuses
}

test('every series of every shield exists at zero before any call', async () => {
  const { samples } = await scrape()
  const ofPolicies = samples.filter(({ labels }) => labels['escudo_shield'] !== undefined)
  const policies = new Set(ofPolicies.map(({ labels }) => `${labels['escudo_shield']}/${labels['escudo_policy']}`))
  for (const policy of ['flaky/retry', 'external/circuitBreaker', 'compartment-a/bulkhead', 'inventory/fallback']) {
    expect(policies).toContain(policy)
  }
  const nonZero = ofPolicies.filter(({ value }) => value !== 0)
  expect(new Set(nonZero.map(({ name, labels, value }) => `${name} ${labels['state']} ${value}`))).toEqual(
    // Gauges with a value at the start: the breakers are closed, the bulkheads have their limit.
    new Set(['escudo_circuit_breaker_state closed 1', 'escudo_bulkhead_limit undefined 5']),
  )
})

test('the counters match the counted traffic', async () => {
  const before = await scrape()
  await get('/items/item1', 7)
  expect(new Set(await get('/items/nada', 3))).toEqual(new Set([404]))
  expect(new Set(await get('/no-such-route', 2))).toEqual(new Set([404]))
  expect(new Set(await get('/call-external', 4))).toEqual(new Set([200]))
  await setFault(system, 'flaky-service', { status: 503 })
  expect(new Set(await get('/call-external', 3))).toEqual(new Set([502]))
  expect(new Set(await get('/call-external', 5))).toEqual(new Set([503]))
  expect(await get('/call-service', 2)).toEqual([503, 503])
  // A service with a fault still serves its metrics.
  const broken = await scrape('flaky-service')
  expect(broken.sum('http_server_request_duration_seconds_count', { http_response_status_code: '503' })).toBe(9)
  await clearFault(system, 'flaky-service')
  await setFault(system, 'inventory-service', { status: 503 })
  expect(await get('/product-details/mana-potion', 3)).toEqual([200, 200, 200])
  await clearFault(system, 'inventory-service')

  const after = await scrape()
  const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
    (after.sum(name, labels) ?? 0) - (before.sum(name, labels) ?? 0)
  const served = (route: string, status: string): number =>
    grown('http_server_request_duration_seconds_count', {
      http_request_method: 'GET',
      http_route: route,
      http_response_status_code: status,
    })
  expect([served('/items/:id', '200'), served('/items/:id', '404')]).toEqual([7, 3])
  expect(grown('http_server_request_duration_seconds_count', { http_response_status_code: '404' })).toBe(5)
  expect([served('/call-external', '200'), served('/call-external', '502')]).toEqual([4, 3])
  expect(grown('http_server_request_duration_seconds_count', { error_type: 'CIRCUIT_OPEN' })).toBe(5)
  expect(grown('escudo_http_errors_total', { error_kind: 'business' })).toBe(5)
  expect(grown('escudo_http_errors_total', { error_kind: 'technical' })).toBe(10)
  expect(after.sum('http_server_active_requests', { http_request_method: 'GET' })).toBe(1)

  const external = { escudo_shield: 'external', escudo_policy: 'circuitBreaker' }
  const executions = (outcome: string): number =>
    grown('escudo_circuit_breaker_executions_total', { ...external, outcome })
  expect(['success', 'failure', 'rejected', 'ignored'].map(executions)).toEqual([4, 3, 5, 0])
  expect(grown('escudo_circuit_breaker_state_changes_total', { ...external, to: 'open' })).toBe(1)
  expect(after.sum('escudo_circuit_breaker_state', { ...external, state: 'open' })).toBe(1)
  expect(after.sum('escudo_circuit_breaker_state', external)).toBe(1)
  expect(grown('escudo_retry_executions_total', { escudo_shield: 'flaky', outcome: 'failed_with_retry' })).toBe(2)
  expect(grown('escudo_retry_attempts_total', { escudo_shield: 'flaky' })).toBe(6)
  expect(grown('escudo_fallback_uses_total', { escudo_shield: 'inventory' })).toBe(3)
  expect(grown('escudo_timeout_executions_total', { escudo_shield: 'products', outcome: 'in_time' })).toBe(3)
})

test('the shop sent as many requests as its dependencies served', async () => {
  const shop = await scrape()
  for (const [name, route] of [
    ['product-service', '/products/:id'],
    ['inventory-service', '/inventory/:id'],
  ] as const) {
    const sent = shop.sum('http_client_request_duration_seconds_count', {
      server_address: '127.0.0.1',
      server_port: String(system.ports[name]),
    })
    const served = (await scrape(name)).sum('http_server_request_duration_seconds_count', { http_route: route })
    expect([name, served]).toEqual([name, sent])
    expect(sent).toBeGreaterThan(0)
  }
})

test('a scrape under load is consistent, and no counter decreases', async () => {
  let isLoading = true
  const load = Promise.all(
    ['/items/item1', '/items/nada', '/product-details/mana-potion', '/call-service', '/call-external'].map(
      async (path) => {
        while (isLoading) await ask(system, 'potion-shop', path)
      },
    ),
  )
  let last: Scrape | undefined
  for (let count = 0; count < 40; count += 1) {
    const now = await scrape('potion-shop', count % 2 === 0 ? undefined : 'application/openmetrics-text')
    expect(checkHistograms(now)).toBeGreaterThan(5)
    expect(now.sum('http_server_active_requests')).toBeGreaterThanOrEqual(1)
    for (const shield of ['external', 'products', 'inventory']) {
      expect(now.sum('escudo_circuit_breaker_state', { escudo_shield: shield })).toBe(1)
    }
    for (const { name, labels, value } of last?.samples ?? []) {
      if (/_(total|count|sum|bucket)$/.test(name) && labels['le'] === undefined) {
        expect(now.sum(name, labels), `${name} ${JSON.stringify(labels)}`).toBeGreaterThanOrEqual(value)
      }
    }
    last = now
    await delay(10)
  }
  isLoading = false
  await load
  expect((await scrape()).sum('http_server_active_requests')).toBe(1)
})
