import { afterEach, describe, expect, it } from 'vitest'
import { RANGES } from '../ranges.ts'
import { summarize } from '../summary.ts'
import { partsOf, rangeOf } from '../view.ts'
import { at, createSystem, every, NOW, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

describe('now is the reader’s clock', () => {
  it('does not depend on the selected range, however long', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(10, 80_000, 70), ...every(1, 50, 1, { status_code: 503 })])
    const health = system.health()
    expect(health).toMatchObject({ state: 'failing', since: at(50), cause: { service: 'shop', reason: '5xx' } })
    for (const seconds of RANGES.keys()) {
      const parts = partsOf(system.files, rangeOf(system.files, seconds, system.now), health)
      expect(parts.health).toEqual(health)
      expect(parts.range.to).toBeGreaterThan(NOW - seconds * 1_000)
    }
  })

  it('is not moved by a line dated twenty hours ahead, which counts at its time', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(1, 50, 1, { status_code: 503 }), { ago: -72_000, status_code: 200 }])
    await system.write('shop', [{ ago: 0, status_code: 503 }])
    expect(system.health()).toMatchObject({ state: 'failing', services: [{ requests: 51, clock_ahead_ms: 0 }] })
    const range = rangeOf(system.files, 900, system.now)
    expect(range).toMatchObject({ isNow: true })
    expect(range.to).toBeLessThanOrEqual(NOW + 5_000)
    expect(summarize(system.files, range)).toMatchObject({ requests: 51, lines: { ahead: 1, untimed: 0 } })
    const then = NOW + 72_000_000
    expect(summarize(system.files, { from: then - 60_000, to: then + 60_000 }).requests).toBe(1)
    expect(summarize(system.files).requests).toBe(52)
  })

  it.each([{ status_code: 200 }, { event: 'timeout' }, { event: 'policy.summary', counts: { timeout: 2 } }])(
    'keeps the seconds of the present when %j is dated twenty hours ahead',
    async (fields) => {
      system = await createSystem(['shop'])
      await system.write('shop', [...every(1, 50, 1), { ago: -72_000, ...fields }])
      expect(summarize(system.files, { from: NOW - 10_000, to: NOW }).requests).toBe(10)
    },
  )

  it('counts a late line at its own time', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(1, 50, 1), { ago: 300, status_code: 503 }, { ago: 301, status_code: 503 }])
    expect(system.health()).toMatchObject({ state: 'healthy' })
    expect(summarize(system.files, { from: NOW - 305_000, to: NOW - 295_000 }).server_errors).toBe(2)
  })

  it.each([
    { ago: 59, state: 'failing' },
    { ago: 60, state: 'healthy' },
  ])('counts failures $ago s ago: $state', async ({ ago, state }) => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      ...every(1, ago, ago, { status_code: 500 }),
      { ago: ago, status_code: 500 },
      { ago: 1, status_code: 200 },
    ])
    expect(system.health().state).toBe(state)
  })

  it('keeps a trouble that lasts for hours since its start', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(5, 20_000, 15_001), ...every(5, 15_000, 0, { status_code: 503 })])
    expect(system.health()).toMatchObject({ state: 'failing', since: at(15_000) })
  })
})

describe('a clock that is wrong', () => {
  it('judges a service that is 90 s fast by its own last 60 s, and says so', async () => {
    system = await createSystem(['fast', 'shop'])
    await system.write('fast', [...every(1, 600, -30), ...every(1, -31, -90, { status_code: 503 })])
    await system.write('shop', every(1, 600, 0))
    expect(system.service('fast')).toMatchObject({
      state: 'failing',
      clock_ahead_ms: 90_000,
      requests: 60,
      failures: 60,
    })
    expect(system.health()).toMatchObject({ state: 'failing', cause: { service: 'fast' }, since: at(59) })
    expect(system.service('shop')).toMatchObject({ state: 'healthy', clock_ahead_ms: 0 })
  })

  it('finds a slow clock from lines that arrive one after the other, but not from an old file', async () => {
    system = await createSystem(['slow', 'shop'])
    await system.write('slow', every(1, 600, 90))
    await system.write('shop', every(1, 600, 0))
    expect(system.service('slow').clock_ahead_ms).toBe(0)
    for (let second = 0; second < 20; second += 1) {
      system.now += 1_000
      await system.write('slow', [{ ago: 90, status_code: 500 }])
    }
    expect(system.service('slow')).toMatchObject({ clock_ahead_ms: -90_000, state: 'failing' })
  })

  it('tolerates a clock that is less than 5 s ahead', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(0.5, 4, -5))
    expect(system.service('shop')).toMatchObject({ clock_ahead_ms: 0, requests: 19 })
    expect(summarize(system.files).lines.ahead).toBe(0)
  })
})

describe('services', () => {
  it('names the culprit behind a relay, from trace spans that no line has', async () => {
    system = await createSystem(['inventory-service', 'potion-shop'])
    const called = (trace: string) => ({
      trace_id: trace,
      parent_span_id: `client-${trace}`,
      span_id: `server-${trace}`,
    })
    const traces = Array.from({ length: 20 }, (_, index) => `t${index}`)
    await system.write(
      'inventory-service',
      traces.map((trace, index) => ({ ago: 20 - index, status_code: 503, ...called(trace) })),
    )
    await system.write(
      'potion-shop',
      traces.map((trace, index) => ({
        ago: 20 - index,
        status_code: 502,
        latency_ms: 9,
        trace_id: trace,
        span_id: `s${trace}`,
      })),
    )
    expect(system.health()).toMatchObject({
      state: 'failing',
      cause: { service: 'inventory-service', reason: '5xx' },
      effect: { requests: 20, failures: 20, services: ['potion-shop'] },
    })
    const { entries, hops, requests } = summarize(system.files)
    expect({ entries: entries.requests, hops: hops.requests, requests }).toEqual({
      entries: 20,
      hops: 20,
      requests: 40,
    })
  })

  it('is silent after traffic, and waits without any', async () => {
    system = await createSystem(['shop', 'quiet'])
    await system.write('quiet', [{ ago: 1, event: 'started' }])
    expect(system.health()).toMatchObject({ state: 'waiting', waiting: { reason: 'no-request', lines: 1 } })
    await system.write('shop', every(1, 600, 0))
    expect(system.health().state).toBe('healthy')
    system.now += 61_000
    expect(system.health()).toMatchObject({
      state: 'silent',
      since: at(0),
      cause: { service: 'shop', reason: 'silence' },
    })
    system.now += 7_200_000
    expect(system.health()).toMatchObject({ state: 'silent', since: at(0) })
  })

  it('keeps health checks apart', async () => {
    system = await createSystem(['shop'])
    for (const path of ['/healthz', '/livez', '/readyz', '/metrics', '/health', '/actuator/health/liveness'])
      await system.write('shop', every(10, 50, 0, { path }))
    expect(system.health()).toMatchObject({
      state: 'waiting',
      waiting: { reason: 'only-health-checks', health_checks: 36 },
    })
    expect(summarize(system.files)).toMatchObject({ requests: 36, probes: { requests: 36 }, entries: { requests: 0 } })
  })

  it('lists an error that a fallback hid, and is degraded by it', async () => {
    system = await createSystem(['shop'])
    const fallback = {
      event: 'fallback',
      shield: 'inventory',
      error_type: 'UpstreamError',
      error_message: 'no answer',
      error_code: 'UPSTREAM_ERROR',
      trace_id: 't',
      span_id: 's',
    }
    await system.write('shop', [
      ...every(1, 50, 6),
      { ago: 5, ...fallback, log_level: 'warning' },
      { ago: 5, status_code: 200, degraded: true, trace_id: 't', span_id: 's' },
    ])
    expect(system.health()).toMatchObject({
      state: 'degraded',
      since: at(5),
      cause: { reason: 'fallbacks' },
      effect: { failures: 0, degraded: 1 },
    })
    expect(system.files.journal.errors.items).toMatchObject([
      { code: 'UPSTREAM_ERROR', detail: 'no answer', isHidden: true },
    ])
  })

  it('judges old files as of their last line', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(1, 2_000, 1_031), ...every(1, 1_030, 1_000, { status_code: 500 })])
    expect(system.health()).toMatchObject({ state: 'failing', as_of: at(1_000), since: at(1_030) })
  })

  it('speaks of the burn rate with an objective', async () => {
    system = await createSystem(['shop'], { objective: { share: 0.99, latencyMs: 300 } })
    await system.write('shop', [...every(1, 59, 31), ...every(1, 30, 0, { latency_ms: 301 })])
    expect(system.service('shop')).toMatchObject({
      state: 'failing',
      reasons: ['latency'],
      burn_rate: 51.7,
      failures: 0,
    })
  })
})
