import { type AnyPolicy, cache, circuitBreaker, coalesce, consecutive, rateLimiter, type Shield, shield } from 'escudo'
import { virtualClock } from 'escudo/testing'
import { expect, test } from 'vitest'

// Clients may choose keys, so the state per key must be bounded. A million keys must not grow the memory.

const KEYS = 1_000_000
const MAX_KEYS = 1_000
// A million of the smallest objects would take 14 MB.
const HEAP_GROWTH_MAX = 10 * 2 ** 20

const KEYED: readonly (readonly [string, () => AnyPolicy, (status: Record<string, unknown>) => unknown, number])[] = [
  [
    'circuitBreaker',
    () => circuitBreaker({ trip: consecutive(1), openFor: '1h', perKey: { maxKeys: MAX_KEYS } }),
    ({ keys }) => keys,
    MAX_KEYS,
  ],
  [
    'rateLimiter',
    () => rateLimiter({ limit: 1, per: '1h', perKey: { maxKeys: MAX_KEYS } }),
    ({ keys }) => keys,
    MAX_KEYS,
  ],
  ['cache', () => cache({ ttl: '1h', maxEntries: MAX_KEYS }), ({ entries }) => entries, MAX_KEYS],
  ['coalesce', () => coalesce(), ({ flights }) => flights, 0],
]

async function heapBytes(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  return process.memoryUsage().heapUsed
}

function collect(): void {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('this test needs --expose-gc')
  gc()
}

test.each(KEYED)(
  '%s stays within its bound after a million keys, and the heap does not grow',
  async (_type, make, countOf, bound) => {
    const { setFlagsFromString } = await import('node:v8')
    setFlagsFromString('--expose-gc')
    const { runInNewContext } = await import('node:vm')
    ;(globalThis as { gc?: () => void }).gc ??= runInNewContext('gc')
    const clock = virtualClock()
    const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield
    const s = build({ name: 'keys', clock }, make())
    const send = async (from: number, to: number): Promise<void> => {
      for (let key = from; key < to; key += 100) {
        const calls = Array.from({ length: 100 }, (_, n) =>
          // Every tenth key fails once, because an open circuit is kept longer than a closed one.
          s
            .run(() => (n % 10 === 0 ? Promise.reject(new Error('down')) : n), { key: `key ${key + n}` })
            .catch(() => {}),
        )
        await Promise.all(calls)
      }
    }
    await send(0, KEYS / 10)
    const before = await heapBytes()
    await send(KEYS / 10, KEYS)
    expect((await heapBytes()) - before).toBeLessThan(HEAP_GROWTH_MAX)
    expect(countOf(s.status().policies[0] as Record<string, unknown>)).toBe(bound)
    await clock.advance('2h')
    expect(clock.pending).toBe(0)
  },
  60_000,
)
