import { rateLimiter, shield } from 'escudo'
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
})
