import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { rateLimiter, shield } from 'escudo'
import { fleet, type RedisClient } from 'escudo/redis'
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { debianPackage } from '../helpers/debian.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'

const servers: RedisServer[] = []
let isMissing = false

beforeAll(async () => {
  const cli = await debianPackage('redis-server', 'redis-cli')
  for (let count = 0; count < 3 && cli !== undefined; count += 1) {
    const server = await startRedis('--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${count}.conf`)
    if (server !== undefined) servers.push(server)
  }
  isMissing = cli === undefined || servers.length < 3
  if (isMissing) return
  const nodes = servers.map(({ port }) => `127.0.0.1:${port}`)
  await promisify(execFile)(cli as string, ['--cluster', 'create', ...nodes, '--cluster-yes'])
  const admin = servers[0]?.client()
  await until(
    async () => String(await admin?.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    'the cluster is ready',
  )
  admin?.disconnect()
}, 30_000)
afterAll(() => Promise.all(servers.map((server) => server.remove())))

interface Connected {
  readonly client: RedisClient
  readonly close: () => void
}

describe.each([
  {
    name: 'ioredis',
    connect: async (): Promise<Connected> => {
      const client = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })))
      return { client, close: () => client.disconnect() }
    },
  },
  {
    name: 'node-redis',
    connect: async (): Promise<Connected> => {
      const client = createCluster({ rootNodes: servers.map(({ port }) => ({ socket: { host: '127.0.0.1', port } })) })
      await client.connect()
      return { client, close: () => client.destroy() }
    },
  },
])('a cluster of three masters over $name', ({ name, connect }) => {
  test('shares a limit per key, with keys in all slots', async (context) => {
    if (isMissing) return context.skip()
    const { client, close } = await connect()
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
      servers.map(async (server) => {
        const admin = server.client()
        const size = (await admin.keys(`${name}:*`)).length
        admin.disconnect()
        return size
      }),
    )
    expect(Math.min(...sizes)).toBeGreaterThan(0)
  })
})
