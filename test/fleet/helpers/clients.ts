import type { RedisClient } from 'escudo/redis'
import { createClient } from 'redis'
import type { RedisServer } from './redis.ts'

/** A client of a library, and how to close it. */
export interface Connected {
  readonly client: RedisClient
  readonly close: () => void
}

/** The libraries that a fleet works with. */
export const LIBRARIES: readonly {
  readonly name: string
  readonly connect: (server: RedisServer) => Promise<Connected>
}[] = [
  {
    name: 'ioredis',
    connect: async (server) => {
      const client = server.client()
      return { client, close: () => client.disconnect() }
    },
  },
  {
    name: 'node-redis',
    connect: async ({ port }) => {
      const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 50 } })
      client.on('error', () => {})
      await client.connect()
      return { client, close: () => client.destroy() }
    },
  },
]
