import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { excess, Instance } from './helpers/instances.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'

// Real processes on loopback. `ESCUDO_FLEET_PROCESSES=8 ESCUDO_FLEET_MS=60000` runs more of them for longer.
const LOAD_MS = Number(process.env['ESCUDO_FLEET_MS'] ?? 1_500)
const LIMIT = 400
const COUNT = Number(process.env['ESCUDO_FLEET_PROCESSES'] ?? 4)
/** All leases together, as large as they may be: each instance holds at most its part of the limit. */
const LEASES = LIMIT
// Instants of several processes on one wall clock, and calls that were admitted a moment before they were noted.
const SLACK = LIMIT * 0.02

let server: RedisServer
let admin: Redis
let isMissing = false
const instances: Instance[] = []

beforeAll(async () => {
  const started = await startRedis()
  isMissing = started === undefined
  if (started === undefined) return
  server = started
  admin = server.client()
  for (let count = 0; count < COUNT; count += 1) add()
})
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.kill()))
  admin?.disconnect()
  await server?.remove()
})
beforeEach(async (context) => {
  if (isMissing) context.skip()
  await ready()
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function add(callsPerSecond = 400): Instance {
  const instance = new Instance({ port: server.port, limit: LIMIT, callsPerSecond })
  instances.push(instance)
  return instance
}

/** Waits until all instances know of each other and nothing is wrong. Then forgets what they have reported. */
async function ready(): Promise<void> {
  await until(async () => (await admin.zcard('escudo:{instances}')) === COUNT, 'all instances are known')
  await until(() => instances.every(({ admitted }) => admitted.length > 0), 'all instances are served')
  await until(() => every('closed'), 'all circuits are closed')
  // Each hears within a second how many they are: its share without Redis depends on that.
  await pause(1_200)
  for (const { admitted, probes, changes } of instances) admitted.length = probes.length = changes.length = 0
}

const every = (state: string): boolean => instances.every((instance) => instance.state === state)
const all = (): number[] => instances.flatMap(({ admitted }) => admitted)
const since = (startMs: number): number[] => all().filter((at) => at >= startMs)

describe('several processes', { timeout: 20_000 + 4 * LOAD_MS }, () => {
  test.each([
    { what: 'Redis is paused', begin: () => server.pause(), end: () => server.resume(), losses: 0 },
    { what: 'Redis is killed and starts empty', begin: () => server.kill(), end: () => server.start(), losses: 1 },
    {
      what: 'Redis has no memory left',
      begin: () => admin.config('SET', 'maxmemory', '1'),
      end: () => admin.config('SET', 'maxmemory', '0'),
      losses: 0,
    },
    { what: 'FLUSHALL', begin: () => admin.flushall(), end: () => undefined, losses: 1 },
    { what: 'SCRIPT FLUSH', begin: () => admin.script('FLUSH'), end: () => undefined, losses: 0 },
  ])('no call waits or fails while $what, and the limit holds', async ({ begin, end, losses }) => {
    const startMs = Date.now()
    for (const instance of instances) instance.waited = 0
    await begin()
    await pause(LOAD_MS)
    const during = since(startMs).length
    await end()
    await until(() => instances.every(({ link }) => link === 'recovered'), 'all have Redis again')
    await pause(1_000)
    // Each call ran or was refused in the turn of the event loop in which it was made.
    expect(instances.map(({ waited }) => waited)).toEqual(instances.map(() => 0))
    expect(instances.flatMap(({ unexpected }) => unexpected)).toEqual([])
    // Each process goes on with its share.
    expect(during).toBeGreaterThan((LIMIT * LOAD_MS * 0.6) / 1_000)
    // The shares add one burst, and each loss of data another one.
    expect(excess(since(startMs), LIMIT / 1_000)).toBeLessThanOrEqual(LIMIT * (2 + losses) + LEASES + SLACK)
  })

  test('open their circuits together, probe one at a time, and close together', async () => {
    for (const instance of instances) instance.setDependency('down')
    await until(() => every('open'), 'all circuits are open')
    const openMs = Date.now()
    await pause(LOAD_MS)
    const probes = instances.flatMap((instance) => instance.probes).filter((at) => at > openMs)
    // Open periods of 500 ms: one probe each, never more. A busy machine makes the pause longer.
    expect(probes.length).toBeGreaterThan(0)
    expect(probes.length).toBeLessThanOrEqual(Math.ceil((Date.now() - openMs) / 500) + 1)
    for (const instance of instances) instance.setDependency('up')
    await until(() => every('closed'), 'all circuits are closed')
    const closedMs = instances.map(({ changes }) => changes.at(-1)?.at ?? 0)
    // On virtual time it is a second.
    expect(Math.max(...closedMs) - Math.min(...closedMs)).toBeLessThan(2_500)
  })

  test('one instance that does not reach the dependency opens only its own circuit', async () => {
    instances[0]?.setDependency('down')
    await pause(LOAD_MS)
    expect(instances.slice(1).flatMap(({ changes }) => changes)).toEqual([])
    expect(instances[0]?.changes.length).toBeGreaterThan(0)
    instances[0]?.setDependency('up')
  })

  test('no circuit stays open when Redis and the dependency were both lost', async () => {
    for (const instance of instances) instance.setDependency('down')
    await until(() => every('open'), 'all circuits are open')
    server.pause()
    await pause(1_000)
    for (const instance of instances) instance.setDependency('up')
    await until(() => every('closed'), 'each circuit has closed alone')
    server.resume()
    await pause(1_500)
    await until(() => every('closed'), 'the circuits are closed')
  })

  test('admit at most the rate, one burst and the leases, though two are killed and start again', async () => {
    const startMs = Date.now()
    const gone: number[] = []
    await pause(LOAD_MS / 2)
    const [first, second] = instances as [Instance, Instance]
    await Promise.all([first.kill(), second.kill()])
    gone.push(...first.admitted, ...second.admitted)
    instances.splice(0, 2)
    add()
    add()
    await pause(LOAD_MS)
    expect(excess([...gone, ...since(startMs)], LIMIT / 1_000)).toBeLessThanOrEqual(LIMIT + LEASES + SLACK)
    // The limit is used, too.
    expect(gone.length + since(startMs).length).toBeGreaterThan((LIMIT * LOAD_MS * 0.8) / 1_000)
    expect(instances.flatMap(({ unexpected }) => unexpected)).toEqual([])
  })

  test('leave no key behind that does not end', async () => {
    for (const key of await admin.keys('*')) expect(await admin.pttl(key), key).toBeGreaterThan(0)
    await Promise.all(instances.map((instance) => instance.end()))
    // Those that were killed count for three seconds.
    await until(async () => (await admin.exists('escudo:{instances}')) === 0, 'no instance is known')
  })
})
