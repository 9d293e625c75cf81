import { Cluster } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RedisCluster, startCluster } from './helpers/cluster.ts'
import { closedAfterMs, excess } from './helpers/measures.ts'
import { ProcessFleet, pause } from './helpers/process-fleet.ts'
import { until } from './helpers/redis.ts'
import { BUSY_MS, COUNT } from './helpers/settings.ts'

// Three masters with a replica each. Half of the processes use ioredis, half node-redis, all in one fleet.
const KEYS = ['escudo:{inventory}:circuitBreaker', ...(BUSY_MS === 0 ? ['escudo:{mail}:rateLimiter'] : [])]
const LIMIT = 200
const SLACK = LIMIT * 0.02
// The cluster needs one to two seconds to choose another master. A client may learn of it a second later.
const FAILOVER_MS_MAX = 20_000

let cluster: RedisCluster
let fleet: ProcessFleet
let isMissing = false
let admin: Cluster | undefined

beforeAll(async () => {
  const started = await startCluster(1)
  isMissing = started === undefined
  if (started === undefined) return
  cluster = started
  const { ports } = cluster
  const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  admin = client
  fleet = new ProcessFleet({
    ports,
    zcard: (key) => client.zcard(key),
    limit: LIMIT,
    callsPerSecond: 100,
    libraries: ['ioredis', 'node-redis'],
  })
  fleet.add(COUNT)
}, 120_000)
afterAll(async () => {
  await fleet?.kill()
  admin?.disconnect()
  await cluster?.remove()
})
beforeEach(async (context) => {
  if (isMissing) context.skip()
  await fleet.ready()
}, 120_000)

describe('several processes over a cluster with replicas', { timeout: 60_000 }, () => {
  test('open and close their circuits together, over both clients', async () => {
    fleet.setDependency('down')
    await until(() => fleet.every('open'), 'all circuits are open')
    await until(() => fleet.probes.length > 0, 'a probe')
    fleet.setDependency('up')
    await until(() => fleet.every('closed'), 'all circuits are closed')
    await pause(200)
    expect(closedAfterMs(fleet.changes)).toBeLessThanOrEqual(1_000 + BUSY_MS)
  })

  test.each(KEYS)(
    'no call waits or fails while the master of %s is lost, and the fleet goes on with its replica',
    async (key) => {
      const master = await cluster.masterOf(key)
      await master.kill()
      await until(
        async () => (await cluster.masterOf(key).catch(() => master)) !== master,
        'there is a new master',
        FAILOVER_MS_MAX,
      )
      await until(
        () => fleet.instances.every(({ link }) => link === 'recovered'),
        'all have Redis again',
        FAILOVER_MS_MAX,
      )
      await pause(2_000 + BUSY_MS)
      expect([fleet.waited, fleet.unexpected]).toEqual([0, []])
      // A burst, the leases, one burst of the shares and one that the replica may not know.
      expect(excess(fleet.admitted, LIMIT / 1_000)).toBeLessThanOrEqual(LIMIT * 4 + SLACK)
      // The whole limit is served again, and the circuits are shared.
      fleet.forget()
      const startMs = Date.now()
      await pause(1_000)
      expect(fleet.admitted.length).toBeGreaterThan((LIMIT * (Date.now() - startMs) * 0.6) / 1_000)
      fleet.setDependency('down', fleet.instances.slice(0, Math.ceil(COUNT / 2)))
      await until(() => fleet.changes.every((changes) => changes.some(({ to }) => to === 'open')), 'all have opened')
      fleet.setDependency('up')
      await until(() => fleet.every('closed'), 'all circuits are closed')
      // The cluster needs a majority of its masters for the next failover.
      await master.start()
    },
  )
})
