import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, optionalFunction, requiredFunction, wholeNumber } from '../../core/options/options.ts'
import { read } from '../../errors/safe-read.ts'
import type { CacheTimes } from './state/cache-entries.ts'
import type { CacheStore } from './store.ts'

/** Options of {@link cache}. */
export interface CacheOptions {
  /**
   * How long a value is fresh, from the moment that it was stored. 0 (never) only with `staleWhileRevalidate` or
   * `staleIfError`.
   */
  readonly ttl: Duration
  /** How long after `ttl` the old value is returned while one refresh runs in the background. Default: 0. */
  readonly staleWhileRevalidate?: Duration
  /** How long after `ttl` the old value replaces a failure. Default: 0. */
  readonly staleIfError?: Duration
  /** How many values are stored; beyond it the least recently used one is evicted. Default 1000. */
  readonly maxEntries?: number
  /**
   * Where the values are kept. Default: in the memory of the process.
   *
   * With a store, `maxEntries` only bounds what the process remembers of it, and each call reads the store.
   */
  readonly store?: CacheStore
  /** How long a call waits for the store before it goes on without. Default `'250ms'`. */
  readonly storeTimeout?: Duration
  /**
   * With a store that has `lock`: how long a call waits for the value that another call or process is producing, before
   * it runs its operation too. 0: it does not wait. Default `'1s'`.
   */
  readonly flightTimeout?: Duration
  /** Default: `cache`. */
  readonly name?: string
}

/** The options of a cache, checked and with their defaults. */
export interface CacheSettings {
  readonly name: string
  readonly times: CacheTimes
  readonly maxEntries: number
  readonly store: CacheStore | undefined
  readonly storeTimeoutMs: number
  /** 0 without a store that has `lock`. */
  readonly flightTimeoutMs: number
}

const KNOWN = [
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'maxEntries',
  'store',
  'storeTimeout',
  'flightTimeout',
  'name',
]

/**
 * Reads the options of a cache.
 *
 * @throws ConfigurationError for an option that cannot work
 */
export function readCacheOptions(options: CacheOptions): CacheSettings {
  knownKeys(options, 'cache', KNOWN)
  const name = checkedName(options.name ?? 'cache', 'cache.name')
  const times = {
    ttlMs: toMs(options.ttl, 'cache.ttl'),
    staleWhileRevalidateMs: toMs(options.staleWhileRevalidate ?? 0, 'cache.staleWhileRevalidate'),
    staleIfErrorMs: toMs(options.staleIfError ?? 0, 'cache.staleIfError'),
  }
  if (times.ttlMs + times.staleWhileRevalidateMs + times.staleIfErrorMs === 0) {
    throw new ConfigurationError('cache.ttl', '0 without staleWhileRevalidate or staleIfError keeps nothing')
  }
  return {
    name,
    times,
    maxEntries: wholeNumber(options.maxEntries ?? 1_000, 'cache.maxEntries', 1),
    store: readStore(options.store),
    storeTimeoutMs: toMs(options.storeTimeout ?? '250ms', 'cache.storeTimeout', Number.MIN_VALUE),
    flightTimeoutMs: readFlightTimeout(options),
  }
}

function readStore(store: CacheStore | undefined): CacheStore | undefined {
  if (store === undefined) return undefined
  for (const method of ['get', 'set', 'delete'] as const) {
    requiredFunction(read(store, method), `cache.store.${method}`)
  }
  return store
}

function readFlightTimeout({ store, flightTimeout }: CacheOptions): number {
  const hasLock = optionalFunction(read(store, 'lock') as CacheStore['lock'], 'cache.store.lock') !== undefined
  if (flightTimeout !== undefined && !hasLock) {
    throw new ConfigurationError('cache.flightTimeout', 'this option needs a `store` with the method `lock`')
  }
  return hasLock ? toMs(flightTimeout ?? '1s', 'cache.flightTimeout') : 0
}
