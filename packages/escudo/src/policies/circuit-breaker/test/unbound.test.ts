import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CircuitBreaker, circuitBreaker, consecutive, type SavedBreaker, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// A breaker before its first shield has no clock. Its state can be read, saved and changed; no instant is reported.

const OVER: SavedBreaker = { state: 'open', remainingMs: 0, openedAgoMs: 9, openings: 1, failures: 1, calls: 1 }
const HALF_OPEN: SavedBreaker = { ...OVER, state: 'half-open' }
const OPEN: SavedBreaker = { ...OVER, remainingMs: 5_000 }

function restored(restore: SavedBreaker) {
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', restore })
  const changes: string[] = []
  breaker.on('stateChange', ({ from, to, at }) => changes.push(`${from} -> ${to} at ${at}`))
  return { breaker, changes }
}

async function bind(breaker: CircuitBreaker, policyEvents: string[] = []) {
  const clock = virtualClock()
  await clock.advance('1h')
  const s = shield({ name: 's', clock }, breaker)
  s.on('stateChange', ({ from, to, at }) => policyEvents.push(`${from} -> ${to} at ${at}`))
  return { clock, s }
}

describe.each([
  ['open, with an open period that is over', OVER],
  ['half-open', HALF_OPEN],
])('a breaker restored as %s', (_what, saved) => {
  test('emits one change to half-open, at the instant of the shield’s clock', async () => {
    const { breaker, changes } = restored(saved)
    const events: string[] = []
    const { clock, s } = await bind(breaker, events)
    expect(changes).toEqual([])
    await clock.advance(0)
    expect(changes).toEqual(['open -> half-open at 3600000'])
    expect(events).toEqual(changes)
    await s.run(() => 1)
    expect(changes).toEqual(['open -> half-open at 3600000', 'half-open -> closed at 3600000'])
  })

  test('is half-open before it is bound, and reading this emits nothing', async () => {
    const { breaker, changes } = restored(saved)
    expect(breaker.state).toBe('half-open')
    expect(breaker.save()).toMatchObject({ state: 'half-open', remainingMs: 0, openedAgoMs: 9 })
    expect(breaker.status?.(123)).toMatchObject({ state: 'half-open' })
    expect(changes).toEqual([])
    const { s } = await bind(breaker)
    expect(await s.run(() => 1)).toBe(1)
    expect(changes).toEqual(['open -> half-open at 3600000', 'half-open -> closed at 3600000'])
  })

  test('emits the one change also if the first call, a status or `state` comes before the timer', async () => {
    const reads: ((breaker: CircuitBreaker, s: Awaited<ReturnType<typeof bind>>['s']) => unknown)[] = [
      (_breaker, s) => s.run(() => new Promise(() => {})),
      (_breaker, s) => s.status(),
      (breaker) => breaker.state,
      (breaker) => breaker.save(),
    ]
    for (const read of reads) {
      const { breaker, changes } = restored(saved)
      const { s, clock } = await bind(breaker)
      void read(breaker, s)
      expect(changes).toEqual(['open -> half-open at 3600000'])
      await clock.advance('1s')
      expect(changes).toEqual(['open -> half-open at 3600000'])
    }
  })

  test.each(['isolate', 'disable', 'reset'] as const)('%s() before it is bound is the only change', async (action) => {
    const { breaker, changes } = restored(saved)
    breaker[action]()
    const to = { isolate: 'isolated', disable: 'disabled', reset: 'closed' }[action]
    expect(breaker.state).toBe(to)
    expect(changes).toEqual([`half-open -> ${to} at 0`])
    const { clock } = await bind(breaker)
    await clock.advance('1h')
    expect(breaker.state).toBe(to)
    expect(changes.length).toBe(1)
  })
})

test('a status before the breaker is bound does not end its open period: no time has passed', async () => {
  const { breaker, changes } = restored(OPEN)
  expect(breaker.status?.(1e9)).toMatchObject({ state: 'open', retryAfterMs: 5_000 })
  expect(breaker.state).toBe('open')
  const { clock } = await bind(breaker)
  await clock.advance('4999ms')
  expect(breaker.state).toBe('open')
  await clock.advance('1ms')
  expect(changes).toEqual(['open -> half-open at 3605000'])
})

test('whatever is read or done before the first shield, changes follow each other without repetition', async () => {
  const act = fc.constantFrom('state', 'save', 'status', 'isolate', 'disable', 'reset')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(OVER, HALF_OPEN, OPEN), fc.array(act, { maxLength: 6 }), async (saved, acts) => {
      const breaker = circuitBreaker({ trip: consecutive(1), restore: saved })
      const changes: (readonly [string, string, number])[] = []
      breaker.on('stateChange', ({ from, to, at }) => changes.push([from, to, at]))
      for (const name of acts) {
        if (name === 'state') void breaker.state
        else if (name === 'status') breaker.status?.(1)
        else breaker[name as 'save' | 'isolate' | 'disable' | 'reset']()
      }
      const before = breaker.state
      const { clock } = await bind(breaker)
      expect(breaker.state).toBe(before)
      await clock.advance('1h')
      for (const [index, [from, to, at]] of changes.entries()) {
        expect(from).not.toBe(to)
        if (index > 0) expect(from).toBe(changes[index - 1]?.[1])
        if (to === 'half-open') expect(at).toBeGreaterThanOrEqual(3_600_000)
      }
      if (changes.length > 0) expect(breaker.state).toBe(changes.at(-1)?.[1])
    }),
    { numRuns: 500 },
  )
})
