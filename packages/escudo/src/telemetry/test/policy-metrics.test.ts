import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { failing, metricsPerTest, scrapeOf, valuesOf } from './setup.ts'

const start = metricsPerTest()

describe('circuit breaker', () => {
  test('counts rejections and state changes through an open period, and shows the state', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'outage', clock }, circuitBreaker({ trip: consecutive(2), openFor: '10s' }))
    const metrics = start()
    const state = (): string | undefined =>
      Object.entries(valuesOf(metrics, 'escudo_circuit_breaker_state', 'outage')).find(([, value]) => value === 1)?.[0]
    await guarded.run(failing).catch(() => {})
    await guarded.run(failing).catch(() => {})
    for (let call = 0; call < 3; call += 1) await guarded.run(() => 1).catch(() => {})
    expect(state()).toBe('circuitBreaker open')
    await clock.advance('10s')
    expect(state()).toBe('circuitBreaker half-open')
    await guarded.run(() => 1)
    expect(state()).toBe('circuitBreaker closed')
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'outage')).toEqual({
      'circuitBreaker success': 1,
      'circuitBreaker failure': 2,
      'circuitBreaker ignored': 0,
      'circuitBreaker rejected': 3,
    })
    const changes = valuesOf(metrics, 'escudo_circuit_breaker_state_changes_total', 'outage')
    expect(Object.entries(changes).filter(([, value]) => value > 0)).toEqual([
      ['circuitBreaker closed open 2 consecutive failures', 1],
      ['circuitBreaker half-open closed the probes succeeded', 1],
      ['circuitBreaker open half-open the open period ended', 1],
    ])
    expect(Object.keys(changes)).toHaveLength(19)
  })

  test('shows the state of a shared breaker for both shields', () => {
    const breaker = circuitBreaker()
    const both = [shield('left', breaker), shield('right', breaker)]
    const metrics = start()
    breaker.isolate()
    for (const { name } of both) {
      expect(valuesOf(metrics, 'escudo_circuit_breaker_state', name)['circuitBreaker isolated']).toBe(1)
      expect(
        valuesOf(metrics, 'escudo_circuit_breaker_state_changes_total', name)[
          'circuitBreaker closed isolated isolated manually'
        ],
      ).toBe(1)
    }
  })
})

test('bulkhead: shows permits in use, queue and limit, and counts rejections', async () => {
  const metrics = start()
  const guarded = shield('busy', bulkhead({ limit: 2, queue: 1 }))
  const releases: (() => void)[] = []
  const calls = Array.from({ length: 5 }, () =>
    guarded.run(() => new Promise<void>((resolve) => releases.push(resolve))).catch(() => 'rejected'),
  )
  await Promise.resolve()
  const currentValues = (): readonly (number | undefined)[] =>
    ['in_use', 'queued', 'limit', 'rejections_total'].map(
      (name) => valuesOf(metrics, `escudo_bulkhead_${name}`, 'busy')['bulkhead'],
    )
  expect(currentValues()).toEqual([2, 1, 2, 2])
  while (releases.length > 0) {
    for (const release of releases.splice(0)) release()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(calls)
  expect(currentValues()).toEqual([0, 0, 2, 2])
})

test('counts a state change that the scrape itself causes by reading the state', async () => {
  // The timers of this clock never fire: the breaker becomes half-open only when its state is read.
  let now = 0
  const clock = { now: () => now, setTimer: () => () => {} }
  const guarded = shield({ name: 'scraped', clock }, circuitBreaker({ trip: consecutive(1), openFor: '1s' }))
  const metrics = start()
  await guarded.run(failing).catch(() => {})
  now = 2_000
  const scrape = scrapeOf(metrics)
  expect(scrape.sum('escudo_circuit_breaker_state', { escudo_shield: 'scraped', state: 'half-open' })).toBe(1)
  expect(scrape.sum('escudo_circuit_breaker_state_changes_total', { escudo_shield: 'scraped', to: 'half-open' })).toBe(
    1,
  )
})

test('reports a status that throws once, and still shows the gauges of other policies', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const metrics = start()
  const custom = {
    name: 'custom',
    type: 'circuitBreaker',
    settings: {},
    wrap: (next: never) => next,
    status: () => {
      throw new Error('no status')
    },
  }
  const both = [shield('broken', custom as never), shield('working', circuitBreaker())]
  for (let scrape = 0; scrape < 3; scrape += 1) {
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'broken')).toEqual({})
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'working')['circuitBreaker closed']).toBe(1)
  }
  expect(warning.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining('no status')])
  expect(both).toHaveLength(2)
  warning.mockRestore()
})
