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

// Listeners are user code. Their faults must not affect any call, policy or other listener.

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

/** Plays calls with many faults through a shield of all policies. Returns everything that can be observed. */
async function play(listen: Listen): Promise<{ readonly trace: unknown[]; readonly events: readonly string[] }> {
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
  const events: string[] = []
  for (const event of EVENTS) {
    listen((listener) => s.on(event, listener))
    s.on(event, () => events.push(event))
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
  return { trace, events }
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
])('a listener that %s affects no call, state or other listener', async (_what, listener) => {
  const undisturbed = await play(() => {})
  for (const event of ['stateChange', 'retry', 'hedge', 'timeout', 'rejected', 'fallback', 'stale', 'executed']) {
    expect(undisturbed.events).toContain(event)
  }
  expect(await play((on) => void on(listener))).toEqual(undisturbed)
})

test('a listener that unsubscribes itself receives one event, and the others receive all', async () => {
  const undisturbed = await play(() => {})
  const counts: { received: number }[] = []
  const disturbed = await play((on) => {
    const count = { received: 0 }
    counts.push(count)
    const off = on(() => {
      count.received += 1
      off()
    })
  })
  expect(disturbed).toEqual(undisturbed)
  for (const { received } of counts) expect(received).toBeLessThanOrEqual(1)
  expect(counts.filter(({ received }) => received === 1).length).toBeGreaterThan(7)
})
