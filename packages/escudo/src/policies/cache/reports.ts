import type { Binding } from '../../core/binding.ts'
import { emitExecuted } from '../shared/executed.ts'
import type { CacheEntry } from './state/cache-entries.ts'
import type { StoreAction } from './store-mirror.ts'

/** `stale`: an old value was returned, while it is refreshed or in place of a failure. */
export const OUTCOMES = ['hit', 'stale', 'miss'] as const
type CacheOutcome = (typeof OUTCOMES)[number]

/** Reports that a stored value was returned. */
export function reportHit(binding: Binding, { key, storedMs }: CacheEntry<unknown>, now: number, stale: boolean): void {
  const { shield, policy, events } = binding
  emitExecuted(binding, 'cache', (stale ? 'stale' : 'hit') satisfies CacheOutcome, 0, undefined, 0)
  if (events.hasListeners('cacheHit')) events.emit('cacheHit', { shield, policy, key, ageMs: now - storedMs, stale })
}

/** Reports that an operation has run, because there was no value for its key. */
export function reportMiss(
  binding: Binding,
  key: string,
  startedMs: number | undefined,
  now: number,
  error?: unknown,
): void {
  reportExecuted(binding, 'miss', startedMs, now, error)
  const { shield, policy, events } = binding
  if (events.hasExecutedListeners && events.hasListeners('cacheMiss')) events.emit('cacheMiss', { shield, policy, key })
}

/** @param startedMs undefined if there was no listener when the operation began */
export function reportExecuted(
  binding: Binding,
  outcome: CacheOutcome,
  startedMs: number | undefined,
  now: number,
  error?: unknown,
): void {
  if (binding.events.hasExecutedListeners) emitExecuted(binding, 'cache', outcome, now - (startedMs ?? now), error)
}

/** Reports the error that an old value replaces, or that a refresh has met. */
export function reportStale(
  binding: Binding,
  { storedMs }: CacheEntry<unknown>,
  now: number,
  error: unknown,
  refresh: boolean,
): void {
  const { shield, policy, events } = binding
  if (events.hasListeners('stale')) events.emit('stale', { shield, policy, error, ageMs: now - storedMs, refresh })
}

/** @param binding the shield that reports failures of the store; undefined before there is one */
export function reportStoreFailed(
  binding: Binding | undefined,
  key: string,
  action: StoreAction,
  error: unknown,
): void {
  if (binding === undefined) return
  const { shield, policy, events } = binding
  if (events.hasListeners('cacheStoreFailed')) events.emit('cacheStoreFailed', { shield, policy, key, action, error })
}
