import type { Fleet } from 'escudo/redis'
import type { ShopValues } from './settings.ts'

/** What the instances of the shop share over Redis; undefined if the shop has one instance. */
export let shared: Fleet | undefined

let disconnect = (): void => {}

/** Connects this instance to the others, if there is a Redis. It does not wait for it: without Redis, it acts alone. */
export async function joinFleet({ redisPort, instance }: Pick<ShopValues, 'redisPort' | 'instance'>): Promise<void> {
  if (redisPort === undefined) return
  // Imported only for a fleet: without one, the shop starts sooner.
  const [{ fleet }, { Redis }] = await Promise.all([import('escudo/redis'), import('ioredis')])
  const client = new Redis({
    host: '127.0.0.1',
    port: redisPort,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1_000),
    maxRetriesPerRequest: null,
  })
  // The client connects again by itself, and the log has the events of the shield `potion-shop:redis`.
  client.on('error', () => {})
  disconnect = () => client.disconnect()
  shared = fleet({
    client,
    prefix: 'potion-shop',
    // No call waits for it. Less than this would be over while the other modules of the shop are loaded.
    timeout: '1s',
    ...(instance === undefined ? {} : { instance }),
  })
}

/** Gives back the permits of this instance, and closes the connection. */
export async function leaveFleet(): Promise<void> {
  await shared?.close()
  disconnect()
}
