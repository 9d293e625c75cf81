import { randomUUID } from 'node:crypto'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { checkedName, knownKeys, requiredFunction, wholeNumber } from '../core/options/options.ts'
import { read } from '../errors/safe-read.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'

/** Options of `fleet.store()`. */
export interface StoreOptions {
  /** Part of the keys in Redis, so that two stores do not share values. Default `'cache'`. */
  readonly name?: string
  /** The largest value that is stored, as text in bytes. Default 262 144 (256 KiB). A larger one is not stored. */
  readonly maxBytes?: number
  /**
   * Converts values to text and back, such as `superjson` or `devalue`. Default `JSON`. What it throws makes `set` or
   * `get` reject.
   */
  readonly serializer?: StoreSerializer
}

/** Converts values to text and back. */
export interface StoreSerializer {
  /** Returns the text of a value; anything else if it has none. */
  stringify(value: unknown): unknown
  parse(text: string): unknown
}

/** Values that all instances of a service share. Each method rejects if Redis does not answer in time. */
export interface FleetStore {
  /** Returns the value of a key; undefined if there is none. */
  get(key: string): Promise<unknown>
  /** Stores a value for `keepMs` milliseconds; removes the key if that is 0 or less. */
  set(key: string, value: unknown, keepMs: number): Promise<void>
  /** Removes a key. */
  delete(key: string): Promise<void>
  /**
   * Takes a lock that ends by itself after `forMs` milliseconds. Returns how to release it; undefined if another one has
   * it. A cache lets only one process at a time produce a value this way.
   */
  lock(key: string, forMs: number): Promise<(() => Promise<void>) | undefined>
}

const GET = script(`return redis.call('GET', KEYS[1])`)
const SET = script(`redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1`)
const DELETE = script(`redis.call('DEL', KEYS[1]) return 1`)
const LOCK = script(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0`)
// Only the lock that was taken: another process may have it by now.
const UNLOCK = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1`)
const PATH = 'fleet.store'
// Redis rejects longer times to live.
const KEEP_MS_MAX = 2 ** 53 - 1

/** Opens the values of one name. */
export function storeOver(link: Link, prefix: string, options: StoreOptions): FleetStore {
  knownKeys(options, PATH, ['name', 'maxBytes', 'serializer'])
  const name = checkedName(options.name ?? 'cache', `${PATH}.name`)
  const maxBytes = wholeNumber(options.maxBytes ?? 262_144, `${PATH}.maxBytes`, 1)
  const { serializer = JSON } = options
  for (const method of ['stringify', 'parse'] as const) {
    requiredFunction(read(serializer, method), `${PATH}.serializer.${method}`)
  }
  const keyOf = (key: string): string => {
    if (typeof key !== 'string') throw new ConfigurationError(`${PATH}.key`, 'expected a text')
    return `${prefix}:{${encodeURIComponent(key)}}:${name}`
  }
  const remove = async (key: string): Promise<void> => void (await link.ask(DELETE, keyOf(key), []))
  return {
    async get(key) {
      const text = await link.ask(GET, keyOf(key), [])
      return text === null || text === undefined ? undefined : serializer.parse(String(text))
    },
    async set(key, value, keepMs) {
      let text: unknown
      try {
        text = serializer.stringify(value)
      } catch (error) {
        await remove(key)
        throw error
      }
      const lives = Math.min(Math.ceil(keepMs), KEEP_MS_MAX)
      // An older value must not stay in place of one that cannot be stored.
      if (!(lives > 0) || typeof text !== 'string' || Buffer.byteLength(text) > maxBytes) return remove(key)
      await link.ask(SET, keyOf(key), [text, lives])
    },
    delete: remove,
    async lock(key, forMs) {
      const lockKey = `${keyOf(key)}:lock`
      const token = randomUUID()
      const lives = Math.min(Math.max(1, Math.ceil(forMs)), KEEP_MS_MAX)
      if (Number(await link.ask(LOCK, lockKey, [token, lives])) === 0) return undefined
      return async () => void (await link.ask(UNLOCK, lockKey, [token]))
    },
  }
}
