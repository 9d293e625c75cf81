import { ConfigurationError } from '../core/options/configuration-error.ts'
import { checkedName, knownKeys, wholeNumber } from '../core/options/options.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'

/** Options of `fleet.store()`. */
export interface StoreOptions {
  /** Part of the keys in Redis, so that two stores do not share values. Default `'cache'`. */
  readonly name?: string
  /** The largest value that is stored, as JSON in bytes. Default 262 144 (256 KiB). A larger one is not stored. */
  readonly maxBytes?: number
}

/** Values that all instances of a service share, as JSON. Each method rejects if Redis does not answer in time. */
export interface FleetStore {
  /** Returns the value of a key; undefined if there is none. */
  get(key: string): Promise<unknown>
  /** Stores a value for `keepMs` milliseconds; removes the key if that is 0 or less. */
  set(key: string, value: unknown, keepMs: number): Promise<void>
  /** Removes a key. */
  delete(key: string): Promise<void>
}

const GET = script(`return redis.call('GET', KEYS[1])`)
const SET = script(`redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1`)
const DELETE = script(`redis.call('DEL', KEYS[1]) return 1`)
const PATH = 'fleet.store'
// Redis rejects longer times to live.
const KEEP_MS_MAX = 2 ** 53 - 1

/** Opens the values of one name. */
export function storeOver(link: Link, prefix: string, options: StoreOptions): FleetStore {
  knownKeys(options, PATH, ['name', 'maxBytes'])
  const name = checkedName(options.name ?? 'cache', `${PATH}.name`)
  const maxBytes = wholeNumber(options.maxBytes ?? 262_144, `${PATH}.maxBytes`, 1)
  const keyOf = (key: string): string => {
    if (typeof key !== 'string') throw new ConfigurationError(`${PATH}.key`, 'expected a text')
    return `${prefix}:{${encodeURIComponent(key)}}:${name}`
  }
  const remove = async (key: string): Promise<void> => void (await link.ask(DELETE, keyOf(key), []))
  return {
    async get(key) {
      const text = await link.ask(GET, keyOf(key), [])
      return text === null || text === undefined ? undefined : JSON.parse(String(text))
    },
    async set(key, value, keepMs) {
      const text: unknown = JSON.stringify(value)
      const lives = Math.min(Math.ceil(keepMs), KEEP_MS_MAX)
      // An older value must not stay in place of one that cannot be stored.
      if (!(lives > 0) || typeof text !== 'string' || Buffer.byteLength(text) > maxBytes) return remove(key)
      await link.ask(SET, keyOf(key), [text, lives])
    },
    delete: remove,
  }
}
