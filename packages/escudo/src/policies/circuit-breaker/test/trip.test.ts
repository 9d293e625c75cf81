import { describe, expect, test } from 'vitest'
import { circuitBreaker, consecutive, shield } from '../../../index.ts'
import { createMetrics } from '../../../telemetry/index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, gate, setUp } from './setup.ts'

describe('breaker.trip()', () => {
  test('opens the circuit with its normal recovery', async () => {
    const { breaker, clock, s, changes } = setUp({ openFor: '10s' })
    breaker.trip()
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 10_000, reason: 'tripped manually' })
    await clock.advance('10s')
    expect(breaker.state).toBe('half-open')
    expect(await s.run(() => 1)).toBe(1)
    expect(changes.map(({ to, reason }) => [to, reason])).toEqual([
      ['open', 'tripped manually'],
      ['half-open', 'the open period ended'],
      ['closed', 'the probes succeeded'],
    ])
  })

  test('has the text of the caller in the event, the status and the refusal', async () => {
    const { breaker, s, changes } = setUp({})
    breaker.trip('deploy of the inventory')
    const reason = 'tripped manually: deploy of the inventory'
    expect(changes[0]).toMatchObject({ from: 'closed', to: 'open', reason })
    expect(s.status().policies[0]).toMatchObject({ reason })
    await expect(s.run(() => 1)).rejects.toMatchObject({ reason })
  })

  test('is no label of a metric: all manual trips have one series', () => {
    const metrics = createMetrics()
    const breaker = circuitBreaker()
    const s = shield('tripped metrics', breaker)
    breaker.trip('one')
    breaker.reset()
    breaker.trip('two')
    const { body } = metrics.scrape()
    metrics.close()
    const series = body.split('\n').filter((line) => line.includes(s.name) && line.includes('tripped manually'))
    expect(series.filter((line) => line.endsWith(' 2'))).toHaveLength(1)
    expect(body).not.toContain('manually: one')
  })

  test.each([[''], ['x'.repeat(101)], [5]])('rejects the reason %j', (reason) => {
    expect(() => circuitBreaker().trip(reason as string)).toThrow('trip.reason')
  })

  test('ignores the results of calls in flight', async () => {
    const { breaker, s } = setUp({ trip: consecutive(1) })
    const held = gate()
    const call = s.run(() => held.promise)
    breaker.trip()
    held.resolve('late')
    expect(await call).toBe('late')
    expect(breaker.state).toBe('open')
  })

  test('ends the trial of a half-open circuit; the open period grows', async () => {
    const { breaker, clock, s } = setUp({ openFor: { base: '1s', factor: 3, max: '1m' } })
    breaker.trip()
    await clock.advance('1s')
    expect(breaker.state).toBe('half-open')
    breaker.trip()
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 3_000 })
  })

  test('leaves an open circuit as it is, and isolated and disabled ones until reset', async () => {
    const { breaker, clock, s } = setUp({ trip: consecutive(1), openFor: '10s' })
    await s.run(fail).catch(() => {})
    await clock.advance('4s')
    breaker.trip()
    expect(s.status().policies[0]).toMatchObject({ retryAfterMs: 6_000, reason: '1 consecutive failures' })
    breaker.isolate()
    breaker.trip()
    expect(breaker.state).toBe('isolated')
    breaker.disable()
    breaker.trip()
    expect(breaker.state).toBe('disabled')
    breaker.reset()
    breaker.trip()
    expect(breaker.state).toBe('open')
  })

  test('with a key: its circuit alone; without one: all that exist, and no later ones', async () => {
    const { breaker, s, times } = setUp({ perKey: {} })
    breaker.trip('one key', 'a')
    expect([breaker.stateOf('a'), breaker.stateOf('b')]).toEqual(['open', 'closed'])
    await times(1, () => 1, { key: 'b' })
    breaker.trip()
    expect([breaker.stateOf('a'), breaker.stateOf('b'), breaker.stateOf('later')]).toEqual(['open', 'open', 'closed'])
    expect(await s.run(() => 1, { key: 'later' })).toBe(1)
  })

  test('on all keys keeps what isolate() said about later ones', () => {
    const breaker = circuitBreaker({ perKey: {} })
    breaker.isolate()
    breaker.trip()
    expect(breaker.stateOf('later')).toBe('isolated')
  })

  test('works before the breaker is part of a shield', async () => {
    const breaker = circuitBreaker({ openFor: '10s' })
    breaker.trip()
    const clock = virtualClock()
    const s = shield({ name: 'later', clock }, breaker)
    await clock.advance('9s')
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 1_000 })
  })

  test('under observe rejects nothing', async () => {
    const { breaker, s } = setUp({ mode: 'observe' })
    breaker.trip()
    expect(await s.run(() => 1)).toBe(1)
    expect(breaker.state).toBe('open')
  })
})
