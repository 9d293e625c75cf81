import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { debianPackage } from '../../helpers/debian.ts'
import { type RedisServer, startRedis, until } from './redis.ts'

const MASTERS = 3
const NODE_TIMEOUT_MS = 1_000

/** A cluster of three masters, each with as many replicas. */
export class RedisCluster {
  readonly servers: readonly RedisServer[]

  constructor(servers: readonly RedisServer[]) {
    this.servers = servers
  }

  get ports(): readonly number[] {
    return this.servers.map(({ port }) => port)
  }

  /** Returns the master that has a key, as another living node knows it. */
  async masterOf(key: string): Promise<RedisServer> {
    const { ports } = this
    for (const server of this.servers) {
      const admin = server.client()
      const slots = await Promise.race([answerOf(admin.cluster('SLOTS')), timeout()])
      const slot = Number(await Promise.race([answerOf(admin.cluster('KEYSLOT', key)), timeout()]))
      admin.disconnect()
      if (!Array.isArray(slots)) continue
      const range = slots.find(([from, to]) => from <= slot && slot <= to)
      const port: unknown = range?.[2]?.[1]
      const master = this.servers[ports.indexOf(Number(port))]
      if (master !== undefined) return master
    }
    throw new Error(`no node of the cluster knows the master of ${key}`)
  }

  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()))
  }
}

/** Starts a cluster on free ports; undefined where Redis is not installed. */
export async function startCluster(replicas: number): Promise<RedisCluster | undefined> {
  const cli = await debianPackage('redis-server', 'redis-cli')
  if (cli === undefined) return undefined
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)]
  const servers: RedisServer[] = []
  for (let count = 0; count < MASTERS * (1 + replicas); count += 1) {
    const server = await startRedis(...options, '--cluster-config-file', `nodes-${count}.conf`)
    if (server !== undefined) servers.push(server)
  }
  const cluster = new RedisCluster(servers)
  const nodes = cluster.ports.map((port) => `127.0.0.1:${port}`)
  const create = ['--cluster', 'create', ...nodes, '--cluster-replicas', String(replicas), '--cluster-yes']
  try {
    await promisify(execFile)(cli, create)
    for (const server of servers) await untilReady(server, replicas)
  } catch (error) {
    await cluster.remove()
    throw error
  }
  return cluster
}

async function untilReady(server: RedisServer, replicas: number): Promise<void> {
  const admin = server.client()
  await until(async () => {
    if (!String(await admin.cluster('INFO')).includes('cluster_state:ok')) return false
    const slots = (await admin.cluster('SLOTS')) as readonly unknown[][]
    return slots.length === MASTERS && slots.every((range) => range.length === 3 + replicas)
  }, 'the cluster is ready')
  admin.disconnect()
}

function answerOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch(() => undefined)
}

function timeout(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, 500, undefined))
}
