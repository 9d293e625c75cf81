import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BULKHEADS } from '../../../test/fleet/helpers/holders.ts'
import { ProcessFleet } from '../../../test/fleet/helpers/process-fleet.ts'
import { type RedisServer, startRedis } from '../../../test/fleet/helpers/redis.ts'
import { bench } from '../../test/setup.ts'
import { EPISODES, type Episode } from '../torture/episodes.ts'
import { type Findings, judged, LIMIT, PERMITS } from '../torture/judge.ts'

// A judge that cannot find a broken promise proves nothing.

let server: RedisServer | undefined
let admin: Redis
let fleet: ProcessFleet

beforeAll(async () => {
  server = await startRedis()
  if (server === undefined) return
  admin = server.client()
  const { port } = server
  fleet = new ProcessFleet({
    ports: [port],
    zcard: (key) => admin.zcard(key),
    limit: LIMIT,
    callsPerSecond: 100,
    permits: PERMITS,
  })
  fleet.add(3)
})
afterAll(async () => {
  await fleet?.kill()
  admin?.disconnect()
  await server?.remove()
})
beforeEach(async (context) => {
  if (server === undefined) return context.skip()
  await fleet.ready()
}, 120_000)

async function judge(run: Episode['run']): Promise<Findings> {
  const stage = { server: server as RedisServer, admin, fleet, random: () => 0 }
  return await judged({ name: 'a test', losses: 0, isLost: false, countsProbes: true, countsHolders: true, run }, stage)
}

const FINE = { boundBroken: 0, doubleProbes: 0, stuckCircuits: 0, holdersAbove: 0, endlessKeys: 0, unexpected: 0 }

describe('the judge of the torture', { timeout: 60_000 }, () => {
  test('finds nothing in an episode that goes well', async () => {
    const down = EPISODES.find(({ name }) => name === 'the dependency is down for all')
    const findings = await judge(down?.run as Episode['run'])
    expect(findings).toMatchObject(FINE)
    expect(findings.admitted).toBeGreaterThan(100)
    for (const name of BULKHEADS) expect(fleet.holders.most(name), name).toBeGreaterThan(0)
  })

  test('finds calls beyond both limits, probes without a lease, and keys that never end', async () => {
    const findings = await judge(async () => {
      const now = Date.now()
      fleet.gone.push(...Array.from({ length: 2 * LIMIT + 10 }, () => now))
      fleet.instances[0]?.probes.push(now)
      await admin.set('endless', 1)
      const other = {}
      fleet.holders.set('a bulkhead', other, PERMITS + 2)
      fleet.holders.remove(other)
    })
    await admin.del('endless')
    expect(findings).toMatchObject({ ...FINE, boundBroken: 1, doubleProbes: 1, holdersAbove: 2, endlessKeys: 1 })
  })
})

test('the command refuses a wrong option in one line', async () => {
  const { code, err } = await bench('fleet-torture', '--processes', '2')
  expect([code, err]).toEqual([1, expect.stringContaining('--processes takes a whole number from 3 to 64')])
})
