import type { RedisClient } from 'escudo/redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import type { RedisServer } from './redis.ts'

/** The names of the libraries that a fleet works with. */
export type Library = 'ioredis' | 'node-redis'

/** A client of a library, and how to close it. */
export interface Connected {
  readonly client: RedisClient
  readonly close: () => void
}

const RETRY_MS = 50

/** The libraries that a fleet works with. */
export const LIBRARIES: readonly {
  readonly name: Library
  readonly connect: (server: Pick<RedisServer, 'port'>) => Promise<Connected>
  /** Connects to a cluster, by the ports of its nodes. */
  readonly connectCluster: (ports: readonly number[]) => Promise<Connected>
}[] = [
  {
    name: 'ioredis',
    connect: async ({ port }) => {
      const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => RETRY_MS, maxRetriesPerRequest: null })
      client.on('error', () => {})
      return { client, close: () => client.disconnect() }
    },
    connectCluster: async (ports) => {
      const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
      const client = new Cluster(nodes, { slotsRefreshInterval: 1_000, clusterRetryStrategy: () => RETRY_MS })
      client.on('error', () => {})
      return { client, close: () => client.disconnect() }
    },
  },
  {
    name: 'node-redis',
    connect: async ({ port }) => {
      const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: RETRY_MS } })
      client.on('error', () => {})
      await client.connect()
      return { client, close: () => client.destroy() }
    },
    connectCluster: async (ports) => {
      const client = createCluster({
        rootNodes: ports.map((port) => ({ socket: { host: '127.0.0.1', port } })),
        defaults: { socket: { reconnectStrategy: RETRY_MS } },
      })
      client.on('error', () => {})
      await client.connect()
      return { client, close: () => client.destroy() }
    },
  },
]

/** Connects to a server, or to a cluster if there are several ports. */
export async function connected(library: Library, ports: readonly number[]): Promise<Connected> {
  const [port = 0] = ports
  const { connect, connectCluster } = LIBRARIES.find(({ name }) => name === library) ?? LIBRARIES[0] ?? never()
  return ports.length === 1 ? connect({ port }) : connectCluster(ports)
}

function never(): never {
  throw new Error('there is no library')
}
