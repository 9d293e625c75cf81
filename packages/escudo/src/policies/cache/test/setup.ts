import { vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { type CacheOptions, cache, type KeyedRunOptions, type Operation, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// Shared setup of the cache tests.

export const DOWN = new Error('down')
export const NOT_FOUND = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})

export function setUp(options: CacheOptions) {
  const clock = virtualClock()
  const values = cache(options)
  const s = shield({ name: 's', clock }, values)
  /** Runs an operation under a key. Returns its value, or its error as text. */
  const run = (operation: Operation<unknown>, key = 'k', more: Omit<KeyedRunOptions, 'key'> = {}): Promise<unknown> =>
    s.run(operation, { ...more, key }).catch((error) => `error: ${error?.message ?? error}`)
  const status = (): Record<string, unknown> => {
    const { name: _name, type: _type, ...rest } = s.status().policies[0] as Record<string, unknown>
    return rest
  }
  return { clock, values, s, run, status }
}

export const fail = (): Promise<never> => Promise.reject(DOWN)

/** An operation whose calls the test settles. */
export function deferred() {
  const calls: { resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = []
  const operation = vi.fn(() => new Promise<unknown>((resolve, reject) => calls.push({ resolve, reject })))
  return { operation, calls }
}
