import {
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  fallback,
  hedge,
  rateLimiter,
  retry,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

// Listeners are somebody's own code. Whatever they do, no call, no policy and no other listener may see it.

const EVENTS = [
  'stateChange',
  'retry',
  'hedge',
  'timeout',
  'rejected',
  'fallback',
  'stale',
  'late',
  'executed',
] as const
const DOWN = new Error('down')

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  process.on('unhandledRejection', onUnhandled)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
  vi.restoreAllMocks()
  expect(unhandled.splice(0)).toEqual([])
})

type Listen = (on: (listener: () => unknown) => () => void) => void

/** A shield of all policies in a bad hour, and everything that can be seen of it. */
async function play(listen: Listen): Promise<{ readonly trace: unknown[]; readonly heard: readonly string[] }> {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(6), openFor: '10s' })
  const s = shield(
    { name: 's', clock, random: () => 0.99 },
    fallback('fallback'),
    rateLimiter({ limit: 100, per: '1s', maxWait: '1s' }),
    cache({ ttl: '1s', staleWhileRevalidate: '1s', staleIfError: '1h' }),
    coalesce(),
    timeout('30s', { name: 'total' }),
    retry({ maxRetries: 1, backoff: constant(5) }),
    hedge({ after: 50 }),
    adaptiveThrottle(),
    breaker,
    bulkhead({ limit: 2 }),
    adaptiveLimiter(),
    timeout('1s', { name: 'attempt' }),
  )
  const heard: string[] = []
  for (const event of EVENTS) {
    listen((listener) => s.on(event, listener))
    s.on(event, () => heard.push(event))
  }
  listen((listener) => breaker.on('stateChange', listener))
  const trace: unknown[] = []
  const run = async (key: string, operation: () => unknown, advanceMs: number): Promise<void> => {
    const call = s.run(operation, { key }).catch((error) => error)
    await clock.advance(advanceMs)
    trace.push(await call, breaker.state, clock.now(), s.status())
  }
  await run('a', () => 'value', 1_500)
  await run('a', () => Promise.reject(DOWN), 600)
  await run('a', () => new Promise(() => {}), 5_000)
  await run('b', () => Promise.reject(DOWN), 100)
  await run('b', () => 'refused', 20_000)
  await run('b', () => 'back', 20_000)
  trace.push(clock.pending)
  return { trace, heard }
}

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw DOWN
    },
  ],
  ['rejects', () => Promise.reject(DOWN)],
  ['hangs', () => new Promise(() => {})],
  [
    'returns a thenable that throws',
    () => ({
      then() {
        throw DOWN
      },
    }),
  ],
])(
  'a listener that %s, on every event of every policy, changes no call, no state and no other listener',
  async (_what, listener) => {
    const undisturbed = await play(() => {})
    for (const event of ['stateChange', 'retry', 'hedge', 'timeout', 'rejected', 'fallback', 'stale', 'executed']) {
      expect(undisturbed.heard).toContain(event)
    }
    expect(await play((on) => void on(listener))).toEqual(undisturbed)
  },
)

test('a listener that unsubscribes itself hears once, and the others hear everything', async () => {
  const undisturbed = await play(() => {})
  const counts: { heard: number }[] = []
  const disturbed = await play((on) => {
    const count = { heard: 0 }
    counts.push(count)
    const off = on(() => {
      count.heard += 1
      off()
    })
  })
  expect(disturbed).toEqual(undisturbed)
  for (const { heard } of counts) expect(heard).toBeLessThanOrEqual(1)
  expect(counts.filter(({ heard }) => heard === 1).length).toBeGreaterThan(7)
})
