import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, wholeNumber } from '../../core/options/options.ts'
import type { CacheTimes } from './state/cache-entries.ts'

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
  /** Default: `cache`. */
  readonly name?: string
}

/** The options of a cache, checked and with their defaults. */
export interface CacheSettings {
  readonly name: string
  readonly times: CacheTimes
  readonly maxEntries: number
}

/**
 * Reads the options of a cache.
 *
 * @throws ConfigurationError for an option that cannot work
 */
export function readCacheOptions(options: CacheOptions): CacheSettings {
  knownKeys(options, 'cache', ['ttl', 'staleWhileRevalidate', 'staleIfError', 'maxEntries', 'name'])
  const name = checkedName(options.name ?? 'cache', 'cache.name')
  const times = {
    ttlMs: toMs(options.ttl, 'cache.ttl'),
    staleWhileRevalidateMs: toMs(options.staleWhileRevalidate ?? 0, 'cache.staleWhileRevalidate'),
    staleIfErrorMs: toMs(options.staleIfError ?? 0, 'cache.staleIfError'),
  }
  if (times.ttlMs + times.staleWhileRevalidateMs + times.staleIfErrorMs === 0) {
    throw new ConfigurationError('cache.ttl', '0 without staleWhileRevalidate or staleIfError keeps nothing')
  }
  return { name, times, maxEntries: wholeNumber(options.maxEntries ?? 1_000, 'cache.maxEntries', 1) }
}
