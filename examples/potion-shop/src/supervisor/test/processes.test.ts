import { expect, test } from 'vitest'
import { readSettings } from '../../process/settings.ts'
import { processes, type StartValues, startSettings } from '../processes.ts'

function specs(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return processes(readSettings(startSettings, args, env) as StartValues)
}

test('the same seed gives each service the same seed again, and no two services the same one', () => {
  const seeds = (seed: string) => specs(['--seed', seed]).map(({ env }) => env['ESCUDO_SEED'])
  expect(seeds('7')).toEqual(seeds('7'))
  expect(seeds('7')).not.toEqual(seeds('8'))
  const given = seeds('7').filter((seed) => seed !== undefined)
  expect(given).toHaveLength(4)
  expect(new Set(given).size).toBe(4)
  // What the services get is something that they take.
  for (const seed of given) expect(startSettings.seed.parse(seed)).toBe(Number(seed))
})

test('without a seed no service gets one', () => {
  expect(specs([]).some(({ env }) => 'ESCUDO_SEED' in env)).toBe(false)
})

test('flags and variables of the supervisor reach every service, the flag first', () => {
  const all = specs(['--shop-port', '1', '--users-fail-rate=.5'], { ESCUDO_SHOP_PORT: '2', ESCUDO_FLAKY_PORT: '3' })
  const services = all.filter(({ name }) => name !== 'dashboard')
  for (const { env } of services) {
    expect(env).toMatchObject({ ESCUDO_SHOP_PORT: '1', ESCUDO_FLAKY_PORT: '3', ESCUDO_USERS_FAIL_RATE: '0.5' })
  }
  expect(all.map(({ name, port }) => [name, port])).toEqual([
    ['flaky-service', 3],
    ['product-service', 9001],
    ['inventory-service', 9002],
    ['potion-shop', 1],
    ['dashboard', 8501],
  ])
})

test('each service has a log file of its own, and the dashboard reads all of them', () => {
  const all = specs(['--log-dir', '/tmp/somewhere'])
  const files = all.map(({ env }) => env['ESCUDO_LOG_FILE']).filter((file) => file !== undefined)
  expect(files).toContain('/tmp/somewhere/potion-shop.jsonl')
  expect(all.at(-1)?.args.slice(-4)).toEqual(files)
})

test('the dashboard, which knows nothing of the services, has their crash policy put before it', () => {
  const dashboard = specs(['--log-dir', '/tmp/some where']).at(-1)
  const [flag, policy = ''] = dashboard?.args ?? []
  expect(flag).toBe('--import')
  expect(Object.fromEntries(new URL(policy).searchParams)).toEqual({
    service: 'dashboard',
    log: '/tmp/some where/dashboard.jsonl',
  })
})
