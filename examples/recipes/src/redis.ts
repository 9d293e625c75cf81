// Redis behind two shields: one for commands that may run twice, one for all others.
import { circuitBreaker, consecutive, exponential, retry, type Shield, shield, timeout } from 'escudo'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { countFaults, retryIdempotent, retryUnexecuted } from './fault.ts'
import { redisFault } from './redis-fault.ts'

/** The shields of one Redis. */
export interface RedisShields {
  /** For GET, SET, DEL and other commands whose repetition changes nothing. */
  readonly idempotent: Shield
  /** For INCR, LPUSH, XADD and other commands that add. An attempt that may have been executed is not retried. */
  readonly once: Shield
}

/** Makes the shields. Call it once, when the program starts. */
export function redisShields(): RedisShields {
  const breaker = circuitBreaker({ trip: consecutive(5), openFor: '500ms', classify: countFaults(redisFault) })
  const backoff = exponential({ base: '20ms', max: '200ms' })
  const build = (name: string, classify: ReturnType<typeof retryUnexecuted>): Shield =>
    shield(name, timeout('1s'), retry({ backoff, classify }), breaker, timeout('300ms', { name: 'attempt' }))
  return {
    idempotent: build('redis, idempotent', retryIdempotent(redisFault)),
    once: build('redis, once', retryUnexecuted(redisFault)),
  }
}

/** An ioredis client that leaves every retry to the shields. It reconnects by itself. */
export function connectIoredis(port: number, host = '127.0.0.1'): Redis {
  const client = new Redis(port, host, {
    connectTimeout: 1_000,
    // By default, a command waits until the connection is back, so no call fails and no circuit opens.
    enableOfflineQueue: false,
    // By default, commands whose answer was lost are sent again: an INCR would be executed twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 50, 500),
    // After a failover, connect again: the address may lead to the new primary.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  })
  // Without a listener, ioredis prints each failed attempt to connect.
  client.on('error', () => {})
  return client
}

/** A node-redis client that leaves every retry to the shields. It reconnects by itself. Call `connect()` once. */
export function connectNodeRedis(port: number, host = '127.0.0.1') {
  const client = createClient({
    socket: { host, port, connectTimeout: 1_000, reconnectStrategy: (retries) => Math.min(retries * 50, 500) },
    // By default, a command waits until the connection is back, so no call fails and no circuit opens.
    disableOfflineQueue: true,
  })
  // Without a listener, a broken connection ends the process.
  client.on('error', () => {})
  return client
}
