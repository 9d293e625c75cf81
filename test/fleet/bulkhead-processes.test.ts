import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BULKHEADS } from './helpers/holders.ts'
import { ProcessFleet, pause } from './helpers/process-fleet.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'
import { BUSY_MS, COUNT, LOAD_MS } from './helpers/settings.ts'

// Real processes on loopback, as in processes.test.ts. Each uses all the permits of two bulkheads that it gets, all the
// time; one bulkhead is exact.
const LIMIT = 6
const RETURN_MS = 5_000

let server: RedisServer
let admin: Redis
let fleet: ProcessFleet
let isMissing = false

beforeAll(async () => {
  const started = await startRedis()
  isMissing = started === undefined
  if (started === undefined) return
  server = started
  admin = server.client()
  fleet = new ProcessFleet({
    ports: [server.port],
    zcard: (key) => admin.zcard(key),
    limit: 100,
    callsPerSecond: 20,
    libraries: ['ioredis', 'node-redis'],
    permits: LIMIT,
  })
  fleet.add(COUNT)
  await fleet.ready()
}, 120_000)
afterAll(async () => {
  await fleet?.kill()
  admin?.disconnect()
  await server?.remove()
})
beforeEach((context) => {
  if (isMissing) context.skip()
})

const most = (): readonly number[] => BULKHEADS.map((name) => fleet.holders.most(name))
const areAllInUse = (): boolean => BULKHEADS.every((name) => fleet.holders.now(name) === LIMIT)
const ALL = BULKHEADS.map(() => LIMIT)
const keys = async (): Promise<readonly string[]> => admin.keys('escudo:{*permits}:bulkhead:permits')

describe('the bulkheads of several processes', { timeout: 60_000 + 4 * LOAD_MS }, () => {
  test('never run more calls than the limit, and permits of killed processes return', async () => {
    await pause(LOAD_MS)
    expect(fleet.holders.above(LIMIT), String(most())).toBe(0)
    fleet.setKeeping(true)
    await until(areAllInUse, 'all permits are in use')
    // Those that use the most permits.
    fleet.instances.sort((a, b) => fleet.holders.of(b) - fleet.holders.of(a))
    const killedMs = performance.now()
    await fleet.replace(2)
    expect(areAllInUse()).toBe(false)
    await until(areAllInUse, 'all permits are in use again', RETURN_MS + BUSY_MS + 5_000)
    expect(performance.now() - killedMs).toBeLessThan(RETURN_MS + BUSY_MS)
    await pause(LOAD_MS / 2)
    expect(most()).toEqual(ALL)
    fleet.setKeeping(false)
    for (const instance of fleet.instances) instance.forget()
    await until(() => fleet.instances.every(({ told }) => told > 0), 'each has used a permit, also those that started')
    await pause(LOAD_MS / 2)
    expect(most()).toEqual(ALL)
  })

  test('leave no key behind that does not end', async () => {
    expect((await keys()).length).toBe(BULKHEADS.length)
    for (const key of await keys()) expect(await admin.pttl(key), key).toBeGreaterThan(0)
    await fleet.instances[0]?.kill()
    await fleet.end()
    await until(async () => (await keys()).length === 0, 'all keys have ended')
  })
})
