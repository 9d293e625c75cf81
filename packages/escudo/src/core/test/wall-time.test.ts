import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { circuitBreaker, consecutive, constant, explain, retry, type StateChange, shield } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { systemClock } from '../clock.ts'
import { withTimes } from '../wall-time.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-29T12:00:00.000Z') })
})

afterEach(() => {
  vi.useRealTimers()
})

const fail = (): Promise<never> => Promise.reject(new Error('down'))

async function trip(clock = systemClock) {
  const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s' })
  const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(1_500) }), breaker)
  const changes: StateChange[] = []
  const events: unknown[] = []
  breaker.on('stateChange', (change) => void changes.push(change))
  s.on('stateChange', ({ time, lastFailure }) => void events.push([time, lastFailure?.time]))
  for (const name of ['disabled', 'enabled', 'reconfigured'] as const) s.on(name, ({ time }) => void events.push(time))
  const call = s.run(fail).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(1_500)
  return { s, changes, events, error: await call }
}

test('the status, the explanation and events have the time of day beside the instants of the system clock', async () => {
  const { s, changes, events, error } = await trip()
  expect(s.status().policies[1]).toMatchObject({
    openedTime: '2026-11-29T12:00:01.500Z',
    lastFailure: { time: '2026-11-29T12:00:01.500Z' },
  })
  expect(explain(error)).toMatchObject({
    retryTime: '2026-11-29T12:00:11.500Z',
    attempts: [{ startedTime: '2026-11-29T12:00:00.000Z' }, { startedTime: '2026-11-29T12:00:01.500Z' }],
    policies: [{}, { openedTime: '2026-11-29T12:00:01.500Z' }],
  })
  expect(changes.map(({ time }) => time)).toEqual(['2026-11-29T12:00:01.500Z'])
  s.disable()
  s.enable()
  s.reconfigure({ retry: { maxRetries: 0 } })
  expect(events).toEqual([
    ['2026-11-29T12:00:01.500Z', '2026-11-29T12:00:01.500Z'],
    '2026-11-29T12:00:01.500Z',
    '2026-11-29T12:00:01.500Z',
    '2026-11-29T12:00:01.500Z',
  ])
})

test('a custom clock has no time of day', async () => {
  vi.useRealTimers()
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, circuitBreaker({ trip: consecutive(1), openFor: '10s' }))
  const events: object[] = []
  s.on('stateChange', (event) => void events.push(event))
  const error = await s.run(fail).catch((thrown: unknown) => thrown)
  expect(JSON.stringify([s.status(), explain(error), events])).not.toMatch(/Time|"time"/)
})

test('an instant beyond all dates has no time', () => {
  expect(withTimes({ at: Number.POSITIVE_INFINITY, openedAt: 'x' }, systemClock)).toEqual({
    at: Number.POSITIVE_INFINITY,
    openedAt: 'x',
  })
})

test('an instant has one time, although the time of day has whole milliseconds only', () => {
  const base = Date.now()
  const day = vi.spyOn(Date, 'now')
  const times = [0, 1, 0, -1].map((jitterMs) => {
    day.mockReturnValue(base + jitterMs)
    return withTimes({ at: 5 } as { at: number; time?: string }, systemClock).time
  })
  day.mockRestore()
  expect(new Set(times).size).toBe(1)
})

test('the time follows the time of day when it is set', () => {
  const timeOf = (): unknown => (withTimes({ at: systemClock.now() }, systemClock) as { time?: string }).time
  expect(timeOf()).toBe('2026-11-29T12:00:00.000Z')
  vi.setSystemTime('2026-11-29T13:00:00.000Z')
  expect(timeOf()).toBe('2026-11-29T13:00:00.000Z')
})
