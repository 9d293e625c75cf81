import { describe, expect, test } from 'vitest'
import {
  anyTrip,
  type CircuitBreakerOptions,
  circuitBreaker,
  consecutive,
  failureRate,
  type SavedBreaker,
  shield,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, never, setUp } from './setup.ts'

const OPEN: SavedBreaker = { state: 'open', remainingMs: 6_000, openedAgoMs: 4_000, openings: 1, failures: 1, calls: 1 }

/** Restores the state, as JSON, in another process whose clock started much earlier. */
async function restoredElsewhere(saved: SavedBreaker, options: CircuitBreakerOptions = {}) {
  const clock = virtualClock()
  await clock.advance('500h')
  const restore = JSON.parse(JSON.stringify(saved)) as SavedBreaker
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ...options, restore })
  const changes: unknown[] = []
  breaker.on('stateChange', ({ from, to, at }) => changes.push([from, to, at - 1_800_000_000]))
  return { clock, breaker, changes, s: shield({ name: 's', clock, random: () => 0.9 }, breaker) }
}

describe('save and restore', () => {
  test('stores the remaining open period, never clock values', async () => {
    const { clock, breaker, times } = setUp()
    await clock.advance('1h')
    await times(1, fail)
    await clock.advance('4s')
    const lastFailure = { name: 'Error', agoMs: 4_000 }
    expect(breaker.save()).toEqual({ ...OPEN, reason: '1 consecutive failures', lastFailure })
    const { clock: other, breaker: restored, s, changes } = await restoredElsewhere(breaker.save())
    expect(s.status().policies[0]).toMatchObject({ state: 'open', failures: 1, calls: 1, retryAfterMs: 6_000 })
    expect(s.status().policies[0]).toMatchObject({
      reason: '1 consecutive failures',
      lastFailure: { name: 'Error', at: 1_800_000_000 - 4_000 },
    })
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

  test('continues a growing open period', async () => {
    const openFor = { base: '1s', factor: 2, max: '1h' } as const
    const { clock, breaker, times } = setUp({ openFor })
    for (const openMs of [1_000, 2_000, 4_000]) {
      await times(1, fail)
      await clock.advance(openMs)
    }
    const { clock: other, s } = await restoredElsewhere(breaker.save(), { openFor })
    await other.advance(0)
    await s.run(fail).catch(() => {})
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 8_000 })
  })

  test('restores a half-open circuit as one whose open period has ended', async () => {
    const { clock, breaker, s } = setUp()
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    void s.run(never)
    const saved = breaker.save()
    expect(saved).toMatchObject({ state: 'half-open', remainingMs: 0 })
    const { s: there, breaker: restored } = await restoredElsewhere(saved)
    expect(restored.state).toBe('half-open')
    expect(await there.run(() => 1)).toBe(1)
    expect(restored.state).toBe('closed')
  })

  test.each(['isolate', 'disable'] as const)('%s still applies in the other process', async (action) => {
    const { breaker } = setUp()
    breaker[action]()
    const { breaker: restored, clock } = await restoredElsewhere(breaker.save())
    await clock.advance('1h')
    expect(restored.state).toBe(breaker.state)
    restored.reset()
    expect(restored.state).toBe('closed')
  })

  test('continues a ramp from its saved step', async () => {
    const ramp = { steps: [0.1, 0.5], each: '10s' } as const
    const { clock, breaker, times } = setUp({ ramp })
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    await clock.advance('14s')
    const { clock: other, s } = await restoredElsewhere(breaker.save(), { ramp })
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', admitting: 0.5, retryAfterMs: 6_000 })
    await other.advance('6s')
    expect(await s.run(() => 1)).toBe(1)
  })

  test('does not save a time window: a restored closed circuit counts from zero', async () => {
    const trip = failureRate({ minimumCalls: 3 })
    const { breaker, times } = setUp({ trip })
    await times(2, fail)
    expect(breaker.save()).toEqual({ state: 'closed' })
    const { breaker: restored, s } = await restoredElsewhere(breaker.save(), { trip })
    for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
    expect(restored.state).toBe('closed')
  })

  test('saves consecutive failures: a restored circuit opens with the next ones', async () => {
    const { breaker, times } = setUp({ trip: consecutive(3) })
    await times(1, () => 1)
    await times(2, fail)
    const saved = breaker.save()
    expect(saved).toEqual({ state: 'closed', counts: [{ failures: 2, calls: 3 }] })
    const { breaker: restored, s } = await restoredElsewhere(saved, { trip: consecutive(3) })
    await s.run(fail).catch(() => {})
    expect(restored.state).toBe('open')
    expect(s.status().policies[0]).toMatchObject({ failures: 3, calls: 4 })
  })

  test('saves the outcomes of a window of calls, oldest first', async () => {
    const trip = failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 })
    const { breaker, times } = setUp({ trip })
    for (const operation of [fail, () => 1, () => 1, () => 1, fail]) await times(1, operation)
    const saved = breaker.save()
    expect(saved).toEqual({ state: 'closed', counts: [{ outcomes: '0001' }] })
    const { breaker: restored, s } = await restoredElsewhere(saved, { trip })
    await s.run(fail).catch(() => {})
    expect(restored.state).toBe('open')
  })

  test('saves each trip of anyTrip, and ignores counts of another kind', async () => {
    const trip = anyTrip(failureRate(), consecutive(3), failureRate({ window: { calls: 100 } }))
    const { breaker, times } = setUp({ trip })
    await times(2, fail)
    const saved = breaker.save()
    expect(saved).toEqual({ state: 'closed', counts: [null, { failures: 2, calls: 2 }, { outcomes: '11' }] })
    const { breaker: restored, s } = await restoredElsewhere(saved, { trip: consecutive(3) })
    for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
    expect(restored.state).toBe('closed')
  })

  test('a smaller window keeps the newest of the saved outcomes', async () => {
    const trip = failureRate({ threshold: 1, window: { calls: 2 }, minimumCalls: 2 })
    const { breaker, s } = await restoredElsewhere({ state: 'closed', counts: [{ outcomes: '0000001' }] }, { trip })
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('open')
  })

  test.each<[string, unknown]>([
    ['no list', {}],
    ['too many', Array.from({ length: 101 }, () => null)],
    ['another type', [1]],
    ['an unknown key', [{ failures: 1, calls: 1, other: 1 }]],
    ['no whole number', [{ failures: 1.5, calls: 2 }]],
    ['a missing number', [{ failures: 1 }]],
    ['other text', [{ outcomes: '012' }]],
    ['text of the wrong type', [{ outcomes: 1 }]],
  ])('rejects counts: %s', (_, counts) => {
    expect(() => circuitBreaker({ restore: { state: 'closed', counts } as never })).toThrow(
      /circuitBreaker\.restore\.counts/,
    )
  })

  test('shortens a remaining open period to the maximum of the breaker', async () => {
    const { s } = await restoredElsewhere({ ...OPEN, remainingMs: 1e300, openedAgoMs: 1e300, openings: 2 ** 53 - 1 })
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 60_000 })
  })

  test.each<[string, unknown]>([
    ['not an object', 'open'],
    ['null', null],
    ['a list', []],
    ['a missing state', {}],
    ['an unknown state', { ...OPEN, state: 'ajar' }],
    ['an unknown field', { ...OPEN, until: 7 }],
    ['a `__proto__` key', JSON.parse('{"state":"closed","__proto__":{"rampedMs":1}}')],
    ['a negative duration', { ...OPEN, remainingMs: -1 }],
    ['a NaN duration', { ...OPEN, remainingMs: Number.NaN }],
    ['an infinite duration', { ...OPEN, openedAgoMs: Number.POSITIVE_INFINITY }],
    ['a string instead of a number', { ...OPEN, openings: '1' }],
    ['a fractional number of openings', { ...OPEN, openings: 1.5 }],
    ['zero openings', { ...OPEN, openings: 0 }],
    ['a negative count', { ...OPEN, failures: -1 }],
    ['a missing duration', { ...OPEN, remainingMs: undefined }],
  ])('throws for %s, with the path of the option', (_what, restore) => {
    expect(() => circuitBreaker({ restore: restore as SavedBreaker })).toThrow(/circuitBreaker\.restore/)
  })
})

describe('a breaker without a shield', () => {
  test('has no clock: its open period starts to pass with its first shield', async () => {
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

  test('keeps an earlier isolate() or reset() when it becomes part of a shield', () => {
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

  test('runs no health check until it has a shield, then on the clock of the shield', async () => {
    let checks = 0
    const operation = (): Promise<never> => {
      checks += 1
      return fail()
    }
    const breaker = circuitBreaker({ openFor: '10s', restore: OPEN, probe: { operation, every: 5 } })
    await new Promise((resolve) => setTimeout(resolve, 30))
    const clock = virtualClock()
    shield({ name: 's', clock }, breaker)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(checks).toBe(0)
    await clock.advance(15)
    expect(checks).toBe(3)
  })
})
