import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { readSettings } from '../../process/settings.ts'
import { checkPorts } from '../ports.ts'
import { processes, type StartValues, startSettings, wantedPorts } from '../processes.ts'
import { redisProcess } from '../redis.ts'

const values = (args: readonly string[]): StartValues => readSettings(startSettings, args, {}) as StartValues

test('starts each instance of the shop at every tenth port, with its own log and name', async () => {
  const all = await processes(values(['--instances', '3', '--log-dir', '/tmp/x', '--redis-port', '7']))
  const shops = all.filter(({ name }) => name.startsWith('potion-shop'))
  expect(shops.map(({ name, port, env }) => [name, port, env['ESCUDO_SHOP_PORT'], env['ESCUDO_LOG_FILE']])).toEqual([
    ['potion-shop-1', 8000, '8000', '/tmp/x/potion-shop-1.jsonl'],
    ['potion-shop-2', 8010, '8010', '/tmp/x/potion-shop-2.jsonl'],
    ['potion-shop-3', 8020, '8020', '/tmp/x/potion-shop-3.jsonl'],
  ])
  expect(shops.map(({ env }) => env['ESCUDO_INSTANCE'])).toEqual(shops.map(({ name }) => name))
  for (const { env } of shops) expect(env['ESCUDO_REDIS_PORT']).toBe('7')
  // The dashboard reads all of them, and the dependencies run once.
  expect(all.at(-1)?.args.filter((arg) => arg.startsWith('/tmp/x/'))).toHaveLength(6)
})

test('a single instance has no name, no number and no Redis', async () => {
  const shop = (await processes(values([]))).find(({ name }) => name === 'potion-shop')
  expect(shop?.env).not.toHaveProperty('ESCUDO_INSTANCE')
  expect(shop?.env).not.toHaveProperty('ESCUDO_REDIS_PORT')
})

test.each([
  [['--instances', '0'], '--instances takes a whole number, 1 to 16, got "0"'],
  [['--instances', '17'], '--instances takes a whole number, 1 to 16, got "17"'],
])('rejects %j', (args, message) => {
  expect(() => values(args)).toThrow(message)
})

test('rejects instances whose ports meet another one, or do not exist', async () => {
  const check = (...args: readonly string[]): Promise<void> => checkPorts(wantedPorts(values(args)))
  await expect(check('--instances=3', '--flaky-port=8020')).rejects.toThrow(
    'ESCUDO_SHOP_PORT of instance 3 and ESCUDO_FLAKY_PORT are both 8020',
  )
  await expect(check('--instances=2', '--shop-port=65530')).rejects.toThrow(
    'ESCUDO_SHOP_PORT of instance 2 is 65540, above the largest port 65535',
  )
})

test('knows that Redis is not installed', async () => {
  const folder = await mkdtemp(`${tmpdir()}/escudo-path-`)
  expect(await redisProcess(1, { PATH: `:${folder}` })).toBeUndefined()
  expect(await redisProcess(1, {})).toBeUndefined()
  await rm(folder, { recursive: true })
})
