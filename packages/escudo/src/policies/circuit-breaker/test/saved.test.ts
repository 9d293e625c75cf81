import { describe, expect, test } from 'vitest'
import { type CircuitBreakerOptions, circuitBreaker, consecutive, type SavedBreaker, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { bench, fail, never } from './setup.ts'

const OPEN: SavedBreaker = { state: 'open', remainingMs: 6_000, openedAgoMs: 4_000, openings: 1, failures: 1, calls: 1 }

/** Another process, whose clock began long before: the state goes there as text. */
async function elsewhere(saved: SavedBreaker, options: CircuitBreakerOptions = {}) {
  const clock = virtualClock()
  await clock.advance('500h')
  const restore = JSON.parse(JSON.stringify(saved)) as SavedBreaker
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ...options, restore })
  const changes: unknown[] = []
  breaker.on('stateChange', ({ from, to, at }) => changes.push([from, to, at - 1_800_000_000]))
  return { clock, breaker, changes, s: shield({ name: 's', clock, random: () => 0.9 }, breaker) }
}

describe('state that can be saved and restored', () => {
  test('save() stores the remaining open time, never clock values', async () => {
    const { clock, breaker, times } = bench()
    await clock.advance('1h')
    await times(1, fail)
    await clock.advance('4s')
    expect(breaker.save()).toEqual(OPEN)
    const { clock: other, breaker: restored, s, changes } = await elsewhere(breaker.save())
    expect(s.status().policies[0]).toMatchObject({ state: 'open', failures: 1, calls: 1, retryAfterMs: 6_000 })
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 6_000 })
    await other.advance('5999ms')
    expect(restored.state).toBe('open')
    await other.advance('1ms')
    expect(restored.state).toBe('half-open')
    expect(await s.run(() => 1)).toBe(1)
    expect(changes).toEqual([
      ['open', 'half-open', 6_000],
      ['half-open', 'closed', 6_000],
    ])
    expect(other.pending).toBe(0)
  })

  test('openings in a row go on growing', async () => {
    const openFor = { base: '1s', factor: 2, max: '1h' } as const
    const { clock, breaker, times } = bench({ openFor })
    for (const openMs of [1_000, 2_000, 4_000]) {
      await times(1, fail)
      await clock.advance(openMs)
    }
    const { clock: other, s } = await elsewhere(breaker.save(), { openFor })
    await other.advance(0)
    await s.run(fail).catch(() => {})
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 8_000 })
  })

  test('a half-open circuit comes back as one whose open time is over: its probes were calls of the old process', async () => {
    const { clock, breaker, s } = bench()
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    void s.run(never)
    const saved = breaker.save()
    expect(saved).toMatchObject({ state: 'half-open', remainingMs: 0 })
    const { s: there, breaker: restored } = await elsewhere(saved)
    expect(restored.state).toBe('half-open')
    expect(await there.run(() => 1)).toBe(1)
    expect(restored.state).toBe('closed')
  })

  test.each(['isolate', 'disable'] as const)('what an operator did holds in the other process: %s', async (what) => {
    const { breaker } = bench()
    breaker[what]()
    const { breaker: restored, clock } = await elsewhere(breaker.save())
    await clock.advance('1h')
    expect(restored.state).toBe(breaker.state)
    restored.reset()
    expect(restored.state).toBe('closed')
  })

  test('a ramp goes on where it was', async () => {
    const ramp = { steps: [0.1, 0.5], each: '10s' } as const
    const { clock, breaker, times } = bench({ ramp })
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    await clock.advance('14s')
    const { clock: other, s } = await elsewhere(breaker.save(), { ramp })
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', admitting: 0.5, retryAfterMs: 6_000 })
    await other.advance('6s')
    expect(await s.run(() => 1)).toBe(1)
  })

  test('what a window held is not saved: a restored circuit that is closed counts from nothing', async () => {
    const { breaker, times } = bench({ trip: consecutive(3) })
    await times(2, fail)
    expect(breaker.save()).toEqual({ state: 'closed' })
    const { breaker: restored, s } = await elsewhere(breaker.save(), { trip: consecutive(3) })
    for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
    expect(restored.state).toBe('closed')
  })

  test('an open time longer than this breaker ever takes is cut to that', async () => {
    const { s } = await elsewhere({ ...OPEN, remainingMs: 1e300, openedAgoMs: 1e300, openings: 2 ** 53 - 1 })
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 60_000 })
  })

  test.each<[string, unknown]>([
    ['no object', 'open'],
    ['null', null],
    ['a list', []],
    ['no state', {}],
    ['a state that there is not', { ...OPEN, state: 'ajar' }],
    ['a field more', { ...OPEN, until: 7 }],
    ['a prototype', JSON.parse('{"state":"closed","__proto__":{"rampedMs":1}}')],
    ['a negative time', { ...OPEN, remainingMs: -1 }],
    ['a time that is no number', { ...OPEN, remainingMs: Number.NaN }],
    ['an endless time', { ...OPEN, openedAgoMs: Number.POSITIVE_INFINITY }],
    ['a text', { ...OPEN, openings: '1' }],
    ['half an opening', { ...OPEN, openings: 1.5 }],
    ['no opening', { ...OPEN, openings: 0 }],
    ['a count below zero', { ...OPEN, failures: -1 }],
    ['a time left out', { ...OPEN, remainingMs: undefined }],
  ])('hostile input is refused, with the path of the option: %s', (_what, restore) => {
    expect(() => circuitBreaker({ restore: restore as SavedBreaker })).toThrow(/circuitBreaker\.restore/)
  })
})

describe('a breaker that is part of no shield yet', () => {
  test('has no clock: its open time begins to pass with its first shield, and only there', async () => {
    const breaker = circuitBreaker({ restore: OPEN })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([breaker.state, breaker.save()]).toEqual(['open', OPEN])
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, breaker)
    expect(s.status().policies[0]).toMatchObject({ retryAfterMs: 6_000, openedAt: -4_000 })
    expect(clock.pending).toBe(1)
    const other = shield({ name: 'other', clock }, breaker)
    await clock.advance('3s')
    expect(other.status().policies[0]).toMatchObject({ retryAfterMs: 3_000 })
  })

  test('what an operator did to it before stays', () => {
    const clock = virtualClock()
    const isolated = circuitBreaker({ restore: OPEN })
    isolated.isolate()
    shield({ name: 's', clock }, isolated)
    expect(isolated.state).toBe('isolated')
    const closed = circuitBreaker({ restore: OPEN })
    closed.reset()
    shield({ name: 's', clock }, closed)
    expect([closed.state, clock.pending]).toEqual(['closed', 0])
  })

  test('asks no health check, and then asks it on the clock of its shield', async () => {
    let asked = 0
    const operation = (): Promise<never> => {
      asked += 1
      return fail()
    }
    const breaker = circuitBreaker({ openFor: '10s', restore: OPEN, probe: { operation, every: 5 } })
    await new Promise((resolve) => setTimeout(resolve, 30))
    const clock = virtualClock()
    shield({ name: 's', clock }, breaker)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(asked).toBe(0)
    await clock.advance(15)
    expect(asked).toBe(3)
  })
})
