import { createHash } from 'node:crypto'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { read } from '../errors/safe-read.ts'

/** The commands of ioredis that a fleet uses: a `Redis` or a `Cluster`. */
export interface IoredisClient {
  evalsha(...args: [sha: string, keys: number, ...args: string[]]): Promise<unknown>
  eval(...args: [script: string, keys: number, ...args: string[]]): Promise<unknown>
}

/** The commands of node-redis that a fleet uses: the result of `createClient` or `createCluster`. */
export interface NodeRedisClient {
  evalSha(sha: string, options: ScriptOptions): Promise<unknown>
  eval(script: string, options: ScriptOptions): Promise<unknown>
}

interface ScriptOptions {
  keys?: string[]
  arguments?: string[]
}

/** A connected client of ioredis or node-redis. Its owner connects it, handles its errors and closes it. */
export type RedisClient = IoredisClient | NodeRedisClient

/** A script and its name in Redis. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Prepares a script. */
export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Runs a script with one key. */
export type RunScript = (script: Script, key: string, args: readonly string[]) => Promise<unknown>

/**
 * Adapts a client.
 *
 * @throws ConfigurationError for anything but a client of ioredis or node-redis
 */
export function scriptsOf(client: RedisClient, path: string): RunScript {
  if (isIoredis(client)) {
    return withFallback(
      ({ sha }, key, args) => client.evalsha(sha, 1, key, ...args),
      ({ text }, key, args) => client.eval(text, 1, key, ...args),
    )
  }
  if (isNodeRedis(client)) {
    return withFallback(
      ({ sha }, key, args) => client.evalSha(sha, { keys: [key], arguments: [...args] }),
      ({ text }, key, args) => client.eval(text, { keys: [key], arguments: [...args] }),
    )
  }
  throw new ConfigurationError(path, `expected a client of ioredis or node-redis, got ${show(client)}`)
}

function isIoredis(client: RedisClient): client is IoredisClient {
  return typeof read(client, 'evalsha') === 'function' && typeof read(client, 'eval') === 'function'
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return typeof read(client, 'evalSha') === 'function' && typeof read(client, 'eval') === 'function'
}

/** Redis forgets its scripts when it starts, at SCRIPT FLUSH and after a failover. */
function withFallback(short: RunScript, whole: RunScript): RunScript {
  return (asked, key, args) =>
    short(asked, key, args).catch((error: unknown) => {
      if (!String(read(error, 'message')).startsWith('NOSCRIPT')) throw error
      return whole(asked, key, args)
    })
}
