import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { closedAfterMs, excess, openedAfterMs, shortestGap } from './helpers/measures.ts'
import { OPEN_FOR_MS, ProcessFleet, pause } from './helpers/process-fleet.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'
import { BUSY_MS, COUNT, LOAD_MS } from './helpers/settings.ts'

// Real processes on loopback.
const IS_LONG = LOAD_MS >= 10_000
const LIMIT = 400
/** All leases together, as large as they may be: each instance holds at most its part of the limit. */
const LEASES = LIMIT
// Instants of several processes on one wall clock, and calls that were admitted a moment before they were noted.
const SLACK = LIMIT * 0.02
const QUORUM = Math.max(2, Math.ceil(COUNT / 2))

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
    limit: LIMIT,
    callsPerSecond: LIMIT,
  })
  fleet.add(COUNT)
})
afterAll(async () => {
  await fleet?.kill()
  admin?.disconnect()
  await server?.remove()
})
beforeEach(async (context) => {
  if (isMissing) context.skip()
  await fleet.ready()
}, 120_000)

const leases = async (): Promise<number> => Number(await admin.hget('escudo:{inventory}:circuitBreaker', 'n'))

describe('several processes', { timeout: 30_000 + 4 * LOAD_MS }, () => {
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
    await begin()
    await pause(LOAD_MS)
    const during = fleet.admitted.length
    await end()
    const backMs = Date.now()
    await until(() => fleet.instances.every(({ link }) => link === 'recovered'), 'all have Redis again')
    for (const { linkMs } of fleet.instances) expect(linkMs - backMs).toBeLessThan(2_000 + BUSY_MS)
    await pause(1_000)
    // Each call ran or was refused in the turn of the event loop in which it was made.
    expect([fleet.waited, fleet.unexpected]).toEqual([0, []])
    // Each process goes on with its share.
    expect(during).toBeGreaterThan((LIMIT * LOAD_MS * 0.6) / 1_000)
    // The shares add one burst, and each loss of data another one.
    expect(excess(fleet.admitted, LIMIT / 1_000)).toBeLessThanOrEqual(LIMIT * (2 + losses) + LEASES + SLACK)
  })

  test('open their circuits within a second of the quorum', async () => {
    fleet.setDependency('down', fleet.instances.slice(0, QUORUM))
    await until(() => fleet.changes.every((changes) => changes.some(({ to }) => to === 'open')), 'all have opened')
    await pause(100)
    expect(openedAfterMs(fleet.changes, QUORUM)).toBeLessThanOrEqual(1_000 + BUSY_MS)
    const followers = fleet.changes.slice(QUORUM).map((changes) => changes.find(({ to }) => to === 'open')?.reason)
    expect(followers).toEqual(followers.map(() => expect.stringMatching(/^fleet: \d+ of \d+$/)))
    fleet.setDependency('up')
  })

  test('make one probe for each lease, and close within a second of the success', async () => {
    const before = await leases()
    fleet.setDependency('down')
    await until(() => fleet.every('open'), 'all circuits are open')
    await pause(LOAD_MS)
    fleet.setDependency('up')
    await until(() => fleet.every('closed'), 'all circuits are closed')
    await pause(200)
    const probes = fleet.probes
    expect(probes.length).toBeGreaterThan(1)
    const granted = (await leases()) - before
    expect(probes.length).toBeLessThanOrEqual(granted)
    // On a busy machine, an instance may hear too late that it has the lease.
    expect(granted - probes.length).toBeLessThanOrEqual(BUSY_MS === 0 ? 0 : 1 + granted / 10)
    // Each failed probe begins an open period.
    expect(shortestGap(probes)).toBeGreaterThan(OPEN_FOR_MS * 0.9)
    expect(closedAfterMs(fleet.changes)).toBeLessThanOrEqual(1_000 + BUSY_MS)
  })

  test('one instance that does not reach the dependency opens only its own circuit', async () => {
    fleet.setDependency('down', fleet.instances.slice(0, 1))
    await pause(LOAD_MS)
    const [bad, ...others] = fleet.changes
    expect(others.flat()).toEqual([])
    expect(bad?.length).toBeGreaterThan(0)
    fleet.setDependency('up')
  })

  test('no circuit stays open when Redis and the dependency were both lost', async () => {
    fleet.setDependency('down')
    await until(() => fleet.every('open'), 'all circuits are open')
    server.pause()
    await pause(1_000)
    fleet.setDependency('up')
    await until(() => fleet.every('closed'), 'each circuit has closed alone')
    server.resume()
    await pause(1_500)
    await until(() => fleet.every('closed'), 'the circuits are closed')
  })

  test('admit at most the rate, one burst and the leases, though two are killed and start again', async () => {
    const startMs = Date.now()
    await pause(LOAD_MS / 2)
    await fleet.replace(2)
    await pause(LOAD_MS)
    const { admitted } = fleet
    expect(excess(admitted, LIMIT / 1_000)).toBeLessThanOrEqual(LIMIT + LEASES + SLACK)
    // The limit is used, too.
    expect(admitted.length).toBeGreaterThan((LIMIT * (Date.now() - startMs) * 0.6) / 1_000)
    expect(fleet.unexpected).toEqual([])
  })

  test('leave no key behind that does not end', { timeout: 120_000 }, async () => {
    const keys = await admin.keys('*')
    expect(keys.length).toBeGreaterThan(1)
    for (const key of keys) expect(await admin.pttl(key), key).not.toBe(-1)
    await fleet.end()
    // Those that were killed count for three seconds.
    await until(async () => (await admin.exists('escudo:{instances}')) === 0, 'no instance is known')
    // A circuit stays for a minute.
    if (IS_LONG) await until(async () => (await admin.dbsize()) === 0, 'all keys have ended', 75_000)
  })
})
