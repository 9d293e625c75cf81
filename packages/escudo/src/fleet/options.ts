import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Duration, toMs } from '../core/options/durations.ts'
import { checkedName, knownKeys } from '../core/options/options.ts'
import { type RedisClient, type RunScript, scriptsOf } from './client.ts'

/** Options of `fleet`. */
export interface FleetOptions {
  /**
   * A connected client of ioredis or node-redis, for one server, Sentinel or a cluster. You connect it, listen to its
   * errors and close it after {@link Fleet.close}.
   */
  readonly client: RedisClient
  /** The beginning of all keys, one per service. Default `'escudo'`. */
  readonly prefix?: string
  /** The name of this instance, unique in the fleet. Default: the name of the host, the process id and a random number. */
  readonly instance?: string
  /** How long to wait for an answer of Redis. Default `'50ms'`. No call waits for it, except those of `exact: true`. */
  readonly timeout?: Duration
}

/** The options of a fleet, read and validated. */
export interface ReadOptions {
  readonly run: RunScript
  readonly prefix: string
  readonly instance: string
  readonly timeoutMs: number
}

const PATH = 'fleet'

/** Reads and validates the options of a fleet. */
export function readFleet(options: FleetOptions): ReadOptions {
  knownKeys(options, PATH, ['client', 'prefix', 'instance', 'timeout'])
  return {
    run: scriptsOf(options.client, `${PATH}.client`),
    prefix: checkedName(options.prefix ?? 'escudo', `${PATH}.prefix`),
    instance: checkedName(
      options.instance ?? `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
      `${PATH}.instance`,
    ),
    timeoutMs: toMs(options.timeout ?? '50ms', `${PATH}.timeout`, 1),
  }
}
