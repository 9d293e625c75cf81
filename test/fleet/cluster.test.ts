import { setTimeout as pause } from 'node:timers/promises'
import { bulkhead, rateLimiter, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { type RedisCluster, startCluster } from './helpers/cluster.ts'

let cluster: RedisCluster | undefined

beforeAll(async () => {
  cluster = await startCluster(0)
}, 60_000)
afterAll(() => cluster?.remove())

describe.each(LIBRARIES)('a cluster of three masters over $name', ({ name, connectCluster }) => {
  test('shares a limit per key, with keys in all slots', async (context) => {
    if (cluster === undefined) return context.skip()
    const { client, close } = await connectCluster(cluster.ports)
    const shared = fleet({ client, prefix: name, timeout: '2s' })
    const limiter = rateLimiter({ limit: 2, per: '1h', perKey: {}, shared, exact: true, onLoss: 'closed' })
    const mail = shield('mail', limiter)
    for (let user = 0; user < 30; user += 1) {
      const calls = [1, 2, 3].map(() => mail.run(() => 'sent', { key: `user ${user}` }))
      const settled = await Promise.allSettled(calls)
      expect(settled.filter(({ status }) => status === 'fulfilled').length, `user ${user}`).toBe(2)
    }
    await shared.close()
    close()
    const sizes = await Promise.all(
      cluster.servers.map(async (server) => {
        const admin = server.client()
        const size = (await admin.keys(`${name}:*`)).length
        admin.disconnect()
        return size
      }),
    )
    expect(Math.min(...sizes)).toBeGreaterThan(0)
  })

  const modes = [{ exact: false }, { exact: true }]
  test.for(modes)('shares the permits of bulkheads on all masters: %o', async (how, context) => {
    if (cluster === undefined) return context.skip()
    const { ports } = cluster
    const prefix = `${name}-${how.exact}`
    const fleets = await Promise.all(
      [1, 2].map(async () => {
        const { client, close } = await connectCluster(ports)
        return { shared: fleet({ client, prefix, timeout: '2s' }), close }
      }),
    )
    const masters = new Set<number>()
    for (let count = 0; masters.size < cluster.servers.length; count += 1) {
      const limit = 3
      const reports = `reports ${count}`
      let [running, most] = [0, 0]
      const work = async (): Promise<void> => {
        running += 1
        most = Math.max(most, running)
        await pause(5)
        running -= 1
      }
      const shields = fleets.map(({ shared }) =>
        shield(reports, bulkhead({ limit, queue: 10, shared, onLoss: 'closed', ...how })),
      )
      await Promise.all(shields.flatMap((one) => Array.from({ length: 6 }, () => one.run(work))))
      expect(most, reports).toBeLessThanOrEqual(limit)
      const status = await fleets[0]?.shared.status()
      expect(status?.bulkheads[count]).toMatchObject({ shield: reports, limit })
      masters.add((await cluster.masterOf(`${prefix}:{${encodeURIComponent(reports)}}:bulkhead`)).port)
    }
    await Promise.all(fleets.map(({ shared }) => shared.close()))
    for (const { close } of fleets) close()
  })
})
