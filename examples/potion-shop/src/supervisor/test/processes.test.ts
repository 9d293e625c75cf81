import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readSettings } from '../../process/settings.ts'
import { compileCache, memoryFlags, processes, type StartValues, startSettings } from '../processes.ts'

function specs(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return processes(readSettings(startSettings, args, env) as StartValues)
}

test('derives a repeatable and different seed for each service', async () => {
  const seeds = async (seed: string) => (await specs(['--seed', seed])).map(({ env }) => env['ESCUDO_SEED'])
  const first = await seeds('7')
  expect(await seeds('7')).toEqual(first)
  expect(await seeds('8')).not.toEqual(first)
  const given = first.filter((seed) => seed !== undefined)
  expect(given).toHaveLength(4)
  expect(new Set(given).size).toBe(4)
  // The services accept the derived seeds.
  for (const seed of given) expect(startSettings.seed.parse(seed)).toBe(Number(seed))
})

test('passes no seed when none is given', async () => {
  expect((await specs([])).some(({ env }) => 'ESCUDO_SEED' in env)).toBe(false)
})

test('passes flags and variables to every service; flags win', async () => {
  const all = await specs(['--shop-port', '1', '--users-fail-rate=.5'], {
    ESCUDO_SHOP_PORT: '2',
    ESCUDO_FLAKY_PORT: '3',
  })
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

test('gives each service its own log file, and the dashboard all of them', async () => {
  const all = await specs(['--log-dir', '/tmp/somewhere'])
  const files = all.map(({ env }) => env['ESCUDO_LOG_FILE']).filter((file) => file !== undefined)
  expect(files).toContain('/tmp/somewhere/potion-shop.jsonl')
  expect(all.at(-1)?.args.slice(-4)).toEqual(files)
})

test('preloads the crash policy of the services into the dashboard', async () => {
  const dashboard = (await specs(['--log-dir', '/tmp/some where'])).at(-1)
  const [flag, policy = ''] = dashboard?.args ?? []
  expect(flag).toBe('--import')
  expect(Object.fromEntries(new URL(policy).searchParams)).toEqual({
    service: 'dashboard',
    log: '/tmp/some where/dashboard.jsonl',
  })
})

test('keeps compiled modules in a folder that git ignores, unless the environment says otherwise', () => {
  const folder = compileCache({})['NODE_COMPILE_CACHE'] as string
  expect(folder).toBe(resolve('node_modules/.cache/potion-shop'))
  expect(compileCache({ NODE_COMPILE_CACHE: '/tmp/mine' })).toEqual({})
  expect(compileCache({ NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual({})
  expect(compileCache({ NODE_V8_COVERAGE: '/tmp/coverage' })).toEqual({})
})

test('bounds the memory for new objects of each service, unless the environment does', async () => {
  const services = (await specs([])).filter(({ name }) => name !== 'dashboard')
  for (const { args } of services) expect(args[0]).toBe('--max-semi-space-size=16')
  expect(memoryFlags({ NODE_OPTIONS: '--enable-source-maps' })).toHaveLength(1)
  expect(memoryFlags({ NODE_OPTIONS: '--enable-source-maps --max-semi-space-size=8' })).toEqual([])
  expect(memoryFlags({ NODE_OPTIONS: '--semi-space-growth-factor=1' })).toHaveLength(1)
  expect(memoryFlags({ NODE_OPTIONS: '--min_semi_space_size=8' })).toEqual([])
})
