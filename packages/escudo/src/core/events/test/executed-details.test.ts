import { expect, test, vi } from 'vitest'
import {
  cache,
  circuitBreaker,
  constant,
  hedge,
  type Policy,
  rateLimiter,
  retry,
  type ShieldEvents,
  shield,
  timeout,
} from '../../../index.ts'
import { subscribe } from '../../../telemetry/index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const down = new Error('down')

/** What `executed` says about a call of 30 ms, behind 5 ms of work before the policy is entered. */
async function executed(policy: Policy, fails: boolean): Promise<ShieldEvents['executed'] | undefined> {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, policy)
  let event: ShieldEvents['executed'] | undefined
  s.on('executed', (emitted) => {
    event = emitted
  })
  await clock.advance(5)
  const call = s.run(
    () => new Promise((resolve, reject) => void clock.setTimer(() => (fails ? reject(down) : resolve(1)), 30)),
  )
  call.catch(() => {})
  await clock.advance('1s')
  return event
}

test.each<[string, () => Policy]>([
  ['retry', () => retry({ maxRetries: 0 })],
  ['circuitBreaker', () => circuitBreaker()],
  ['timeout', () => timeout('10s')],
  ['hedge', () => hedge({ after: '10s' })],
])('%s tells how long a call took, and why it failed', async (_, make) => {
  const success = await executed(make(), false)
  expect(success).toMatchObject({ durationMs: 30, attempts: 1 })
  expect(success).not.toHaveProperty('error')
  // A hedge starts the next attempt when the first one fails.
  expect(await executed(make(), true)).toMatchObject({ durationMs: expect.any(Number), error: down })
})

test('a retry counts its delays, a breaker inside it only its attempt', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant('1s') }), circuitBreaker())
  const events: unknown[] = []
  s.on('executed', ({ policy, durationMs }) => events.push([policy, durationMs]))
  const call = s.run(() => new Promise((_, reject) => void clock.setTimer(() => reject(down), 10))).catch(() => {})
  await clock.advance('5s')
  await call
  expect(events).toEqual([
    ['circuitBreaker', 10],
    ['circuitBreaker', 10],
    ['retry', 1_020],
  ])
})

test('a breaker counts the wait of a policy inside it', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, circuitBreaker(), rateLimiter({ limit: 1, per: '1s', maxWait: '10s' }))
  const events: unknown[] = []
  s.on('executed', ({ policy, outcome, durationMs }) => events.push([policy, outcome, durationMs]))
  await s.run(() => 1)
  const waited = s.run(() => 2)
  await clock.advance('1s')
  await waited
  expect(events).toEqual([
    ['rateLimiter', 'admitted', 0],
    ['circuitBreaker', 'success', 0],
    ['rateLimiter', 'admitted_after_wait', 1_000],
    ['circuitBreaker', 'success', 1_000],
  ])
})

test('a timeout that expires is the error of its event', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, timeout('1s'))
  const events = vi.fn()
  s.on('executed', events)
  const error = s.run(() => new Promise(() => {})).catch((reason) => reason)
  await clock.advance('2s')
  expect(events.mock.calls).toEqual([[expect.objectContaining({ durationMs: 1_000, error: await error })]])
})

test('a cache tells hits and misses to listeners that name them, and to no others', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, cache({ ttl: '1s', staleWhileRevalidate: '1h' }))
  const [named, others, own] = [vi.fn(), vi.fn(), vi.fn()]
  const stops = [subscribe(named, ['cacheHit', 'cacheMiss']), subscribe(others)]
  const off = s.on('cacheHit', own)
  await s.run(() => 1, { key: 'a' })
  await clock.advance(300)
  await s.run(() => 1, { key: 'a' })
  await clock.advance('2s')
  await s.run(() => 1, { key: 'a' })
  off()
  for (const stop of stops) stop()
  await s.run(() => 1, { key: 'a' })
  const base = { shield: 's', policy: 'cache', key: 'a' }
  expect(named.mock.calls.map(([event]) => event)).toEqual([
    { type: 'cacheMiss', ...base },
    { type: 'cacheHit', ...base, ageMs: 300, stale: false },
    { type: 'cacheHit', ...base, ageMs: 2_300, stale: true },
  ])
  expect(own).toHaveBeenCalledTimes(2)
  expect(others).not.toHaveBeenCalled()
})
