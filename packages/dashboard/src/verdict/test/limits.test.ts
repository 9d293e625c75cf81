import { describe, expect, it } from 'vitest'
import { objectiveOf, THRESHOLD_NAMES, thresholdOf } from '../thresholds.ts'
import { minute, minutes, NOW, one, service, verdict, window } from './setup.ts'

// Every limit of the rules: just below it, at it, and just above it.

describe('failures in 60 seconds', () => {
  it.each([
    // At least 5 % and at least 5 of them.
    { requests: 100, failures: 4, state: 'degraded' },
    { requests: 100, failures: 5, state: 'failing' },
    { requests: 101, failures: 5, state: 'degraded' },
    { requests: 120, failures: 6, state: 'failing' },
    { requests: 121, failures: 6, state: 'degraded' },
    { requests: 9, failures: 4, state: 'degraded' },
    { requests: 11, failures: 5, state: 'failing' },
    // At least half of at least 2.
    { requests: 1, failures: 1, state: 'degraded' },
    { requests: 2, failures: 1, state: 'failing' },
    { requests: 3, failures: 1, state: 'degraded' },
    { requests: 4, failures: 2, state: 'failing' },
    { requests: 5, failures: 2, state: 'degraded' },
    // Below 0.1 % is healthy.
    { requests: 1_000, failures: 1, state: 'degraded' },
    { requests: 1_001, failures: 1, state: 'healthy' },
    { requests: 2_000, failures: 2, state: 'degraded' },
    { requests: 2_001, failures: 2, state: 'healthy' },
    { requests: 1_000, failures: 0, state: 'healthy' },
  ])('$failures of $requests is $state', ({ requests, failures, state }) => {
    const judged = one({ window: window({ requests, failures }) })
    expect(judged.state).toBe(state)
    expect(judged.reasons).toEqual(state === 'healthy' ? [] : ['5xx'])
  })
})

describe('4xx answers', () => {
  const usual = (clientErrors: number) => minutes(11, 1, { requests: 100, clientErrors })
  it.each([
    { name: 'half, without a baseline', requests: 100, clientErrors: 50, before: [], isDegraded: false },
    { name: 'more than half, without a baseline', requests: 100, clientErrors: 51, before: [], isDegraded: true },
    { name: 'a single one', requests: 1, clientErrors: 1, before: [], isDegraded: false },
    { name: 'two of two', requests: 2, clientErrors: 2, before: [], isDegraded: true },
    { name: 'three times the baseline', requests: 100, clientErrors: 30, before: usual(10), isDegraded: false },
    { name: 'more than three times', requests: 100, clientErrors: 31, before: usual(10), isDegraded: true },
    { name: 'the floor', requests: 100, clientErrors: 20, before: usual(1), isDegraded: false },
    { name: 'above the floor', requests: 100, clientErrors: 21, before: usual(1), isDegraded: true },
    { name: 'what is usual here', requests: 100, clientErrors: 50, before: usual(49), isDegraded: false },
    { name: 'all of them, as always', requests: 100, clientErrors: 100, before: usual(100), isDegraded: true },
  ])('$name: degraded is $isDegraded', ({ requests, clientErrors, before, isDegraded }) => {
    const judged = one({ window: window({ requests, clientErrors }), minutes: before })
    expect(judged.reasons).toEqual(isDegraded ? ['4xx'] : [])
  })

  it('needs a baseline of 100 requests', () => {
    const rate = window({ requests: 100, clientErrors: 40 })
    expect(one({ window: rate, minutes: [minute(2, { requests: 99 })] }).state).toBe('healthy')
    expect(one({ window: rate, minutes: [minute(2, { requests: 100 })] }).state).toBe('degraded')
  })

  it('takes the baseline from the last hour only', () => {
    const rate = window({ requests: 100, clientErrors: 40 })
    expect(one({ window: rate, minutes: [minute(61, { requests: 100 })] }).state).toBe('degraded')
    expect(one({ window: rate, minutes: [minute(62, { requests: 100 })] }).state).toBe('healthy')
  })
})

describe('latency', () => {
  const usual = (p95Ms: number) => minutes(11, 1, { requests: 100, p95Ms })
  it.each([
    { name: '5 s, without a baseline', p95Ms: 5_000, before: [], isDegraded: false },
    { name: 'more than 5 s, without a baseline', p95Ms: 5_001, before: [], isDegraded: true },
    { name: 'three times the baseline', p95Ms: 600, before: usual(200), isDegraded: false },
    { name: 'more than three times', p95Ms: 601, before: usual(200), isDegraded: true },
    { name: 'the floor', p95Ms: 500, before: usual(5), isDegraded: false },
    { name: 'above the floor', p95Ms: 501, before: usual(5), isDegraded: true },
    { name: 'slow, but as usual', p95Ms: 6_000, before: usual(2_000), isDegraded: false },
    { name: 'very slow, as always', p95Ms: 8_000, before: usual(8_000), isDegraded: true },
  ])('$name: degraded is $isDegraded', ({ p95Ms, before, isDegraded }) => {
    const judged = one({ window: window({ requests: 100, p95Ms }), minutes: before })
    expect(judged.reasons).toEqual(isDegraded ? ['latency'] : [])
  })

  it('stays degraded while slow minutes fill the hour, since the first of them', () => {
    for (const slowMinutes of [2, 20, 40, 55]) {
      const before = [...minutes(60, slowMinutes + 1, { p95Ms: 100 }), ...minutes(slowMinutes + 1, 1, { p95Ms: 2_000 })]
      const judged = one({ window: window({ requests: 60, p95Ms: 2_000 }), minutes: before })
      expect(judged).toMatchObject({ state: 'degraded', since: NOW - (slowMinutes + 1) * 60_000 })
    }
  })
})

describe('silence', () => {
  const gone = (perMinute: number, count: number) => ({
    window: window(),
    lastRequestAt: NOW - 61_000,
    minutes: minutes(count + 1, 1, { requests: perMinute }),
  })
  it.each([
    { name: '9 expected', facts: gone(9, 20), state: 'healthy' },
    { name: '10 expected', facts: gone(10, 20), state: 'silent' },
    { name: '11 expected', facts: gone(11, 20), state: 'silent' },
    { name: 'a baseline of 99 requests', facts: gone(33, 3), state: 'healthy' },
    { name: 'a baseline of 102 requests', facts: gone(34, 3), state: 'silent' },
  ])('$name: $state', ({ facts, state }) => {
    const judged = one(facts)
    expect(judged.state).toBe(state)
    if (state === 'silent') expect(judged).toMatchObject({ since: NOW - 61_000, reasons: ['silence'] })
  })

  it('is not silent with a single request', () => {
    expect(one({ ...gone(100, 20), window: window({ requests: 1 }) }).state).toBe('healthy')
  })
})

describe('old files', () => {
  const last = window({ requests: 10, failures: 10 })
  it.each([
    { ago: 900_000, isCurrent: true },
    { ago: 900_001, isCurrent: false },
  ])('a last line $ago ms ago is current: $isCurrent', ({ ago, isCurrent }) => {
    const at = NOW - ago
    const facts = { window: window(), lastWindow: last, lastRequestAt: at, lastLineAt: at, wasFollowed: false }
    const judged = one(facts)
    expect(judged).toMatchObject({ state: 'failing', asOf: at, isCurrent })
  })
})

describe('fallbacks', () => {
  it.each([
    { requests: 1_000, degraded: 1, reasons: ['fallbacks'] },
    { requests: 1_001, degraded: 1, reasons: [] },
    { requests: 0, degraded: 1, reasons: ['fallbacks'] },
  ])('$degraded of $requests gives $reasons', ({ requests, degraded, reasons }) => {
    expect(one({ window: window({ requests, degraded }) }).reasons).toEqual(reasons)
  })
})

describe('restarts', () => {
  const before = { id: 'a', firstAt: NOW - 900_000, lastAt: NOW - 70_000 }
  it.each([
    { name: '59 s ago', start: NOW - 59_999, reasons: ['restarts'] },
    { name: '60 s ago', start: NOW - 60_000, reasons: [] },
  ])('$name gives $reasons', ({ start, reasons }) => {
    expect(one({ processes: [before], starts: [start] }).reasons).toEqual(reasons)
  })

  it('does not call the first start a restart, nor one long after the process before', () => {
    const own = { id: 'b', firstAt: NOW - 10_000, lastAt: NOW }
    expect(one({ processes: [own], starts: [NOW - 10_000] }).state).toBe('healthy')
    const longAgo = { ...before, lastAt: NOW - 10_000 - 300_001 }
    expect(one({ processes: [longAgo, own], starts: [NOW - 10_000] }).state).toBe('healthy')
    expect(one({ processes: [{ ...longAgo, lastAt: NOW - 310_000 }, own], starts: [NOW - 10_000] }).state).toBe(
      'degraded',
    )
  })

  it('takes another pid for a restart, but not a second instance beside the first', () => {
    const fresh = { id: 'b', firstAt: NOW - 20_000, lastAt: NOW }
    expect(one({ processes: [{ ...before, lastAt: NOW - 21_000 }, fresh] }).reasons).toEqual(['restarts'])
    expect(one({ processes: [{ ...before, lastAt: NOW }, fresh] }).reasons).toEqual([])
  })
})

describe('an objective', () => {
  const objective = { share: 0.999, latencyMs: 300 }
  it.each([
    { requests: 10_000, failures: 9, slow: 0, state: 'healthy', burn: 0.9 },
    { requests: 10_000, failures: 10, slow: 0, state: 'degraded', burn: 1 },
    { requests: 10_000, failures: 143, slow: 0, state: 'degraded', burn: 14.3 },
    { requests: 10_000, failures: 144, slow: 0, state: 'failing', burn: 14.4 },
    { requests: 10_000, failures: 72, slow: 72, state: 'failing', burn: 14.4 },
    { requests: 10_000, failures: 0, slow: 10, state: 'degraded', burn: 1 },
    { requests: 100, failures: 4, slow: 0, state: 'degraded', burn: 40 },
    { requests: 2, failures: 1, slow: 0, state: 'failing', burn: 500 },
  ])('$failures failed and $slow slow of $requests is $state', ({ requests, failures, slow, state, burn }) => {
    const judged = one({ window: window({ requests, failures, slow }) }, { objective })
    expect(judged.state).toBe(state)
    expect(judged.burnRate).toBeCloseTo(burn, 6)
  })

  it('still calls a total outage failing when the objective allows much', () => {
    const lax = { objective: { share: 0.9, latencyMs: undefined } }
    expect(one({ window: window({ requests: 100, failures: 49 }) }, lax).state).toBe('degraded')
    expect(one({ window: window({ requests: 100, failures: 50 }) }, lax).state).toBe('failing')
  })
})

it('reads objectives and limits from text, and rejects everything else', () => {
  expect(objectiveOf('99.9')).toEqual({ share: 0.999, latencyMs: undefined })
  expect(objectiveOf('99.95%,1.5s')).toEqual({ share: 0.9995, latencyMs: 1_500 })
  for (const text of ['', '100', '0', '99.9,', '99.9,300', '99.9,300ms,1', '-1', 'x', '1e1']) {
    expect(objectiveOf(text)).toBeUndefined()
  }
  expect(thresholdOf('failing-share=10%')).toEqual({ failingShare: 0.1 })
  expect(thresholdOf('latency-max=2s')).toEqual({ latencyMaxMs: 2_000 })
  expect(thresholdOf('silent-requests=3')).toEqual({ silentRequests: 3 })
  expect(thresholdOf('baseline-factor=1.5')).toEqual({ baselineFactor: 1.5 })
  for (const text of [
    '',
    'x=1',
    'failing-share=10',
    'latency-max=2',
    'silent-requests=1.5',
    '__proto__=1',
    'failing-share',
  ]) {
    expect(thresholdOf(text)).toBeUndefined()
  }
  expect(THRESHOLD_NAMES).toContain('burn-failing')
})

it('uses changed limits', () => {
  const facts = service({ window: window({ requests: 100, failures: 5 }) })
  expect(verdict([facts], {}, { failingShare: 0.06 }).state).toBe('degraded')
  expect(verdict([facts], {}, { healthyShare: 0.06, failingShare: 0.06 }).state).toBe('healthy')
})
