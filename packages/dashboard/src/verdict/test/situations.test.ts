import { describe, expect, it } from 'vitest'
import type { BreakerFacts, ServiceFacts, Situation } from '../situation.ts'
import { minute, minutes, NOW, service, verdict, window } from './setup.ts'

const DAY_MS = 86_400_000
const failing = (name: string, changed: Partial<ServiceFacts> = {}): ServiceFacts =>
  service({
    name,
    window: window({ requests: 100, failures: 50 }),
    minutes: [minute(1, { failures: 50, firstFailureAt: NOW - 30_000, lastFailureAt: NOW - 1_000 })],
    ...changed,
  })
const healthy = (name: string): ServiceFacts => service({ name })
const open = (changed: Partial<BreakerFacts> = {}): BreakerFacts => ({
  shield: 'inventory',
  policy: 'circuitBreaker',
  state: 'open',
  changedAt: NOW - 5_000,
  openSince: NOW - 5_000,
  process: undefined,
  ...changed,
})
const calls = (...pairs: readonly string[]): Pick<Situation, 'edges'> => ({
  edges: pairs.map((pair) => {
    const [caller = '', callee = ''] = pair.split(' ')
    return { caller, callee, failures: undefined }
  }),
})

describe('situations', () => {
  it('is waiting when nothing was recognised', () => {
    expect(verdict([])).toMatchObject({ state: 'waiting', since: undefined, cause: undefined, services: [] })
  })

  it('is failing when one service of thirty fails completely, and names it', () => {
    const many = Array.from({ length: 29 }, (_, index) => healthy(`service-${index}`))
    expect(verdict([...many, failing('inventory')])).toMatchObject({
      state: 'failing',
      since: NOW - 30_000,
      cause: { service: 'inventory', reason: '5xx' },
    })
  })

  it('names the failing service, not a healed one with many more failures before', () => {
    const healed = service({ name: 'healed', minutes: minutes(30, 2, { requests: 1_000, failures: 900 }) })
    const judged = verdict([healed, failing('other')])
    expect(judged.cause?.service).toBe('other')
    expect(judged.services[0]).toMatchObject({ name: 'healed', state: 'healthy', since: undefined })
  })

  it('is silent when a service with traffic has none, whatever the others do', () => {
    const gone = service({
      name: 'gone',
      window: window(),
      lastRequestAt: NOW - 75_000,
      minutes: minutes(20, 1),
    })
    expect(verdict([healthy('shop'), gone])).toMatchObject({
      state: 'silent',
      since: NOW - 75_000,
      cause: { service: 'gone', reason: 'silence' },
    })
  })

  it('is degraded when all answers are 401', () => {
    expect(verdict([service({ window: window({ requests: 50, clientErrors: 50 }) })])).toMatchObject({
      state: 'degraded',
      cause: { reason: '4xx' },
    })
  })

  it('is degraded when all answers are slow', () => {
    expect(verdict([service({ window: window({ requests: 50, p95Ms: 8_000 }) })])).toMatchObject({
      state: 'degraded',
      cause: { reason: 'latency' },
    })
  })

  it('is degraded by a critical line, since that line', () => {
    const critical = window({ requests: 50, criticals: 1, firstCriticalAt: NOW - 12_000 })
    expect(verdict([service({ window: critical })])).toMatchObject({
      state: 'degraded',
      since: NOW - 12_000,
      cause: { reason: 'critical' },
    })
  })

  it('does not know a breaker that was open before a restart', () => {
    const restarted = service({ breakers: [open({ changedAt: NOW - 400_000 })], starts: [NOW - 300_000] })
    expect(verdict([restarted]).services[0]).toMatchObject({ state: 'healthy', openBreakers: [] })
  })

  it('does not know a breaker of a process that another one replaced', () => {
    const own = { id: 'a', firstAt: NOW - 900_000, lastAt: NOW - 400_000 }
    const next = { id: 'b', firstAt: NOW - 390_000, lastAt: NOW }
    const breakers = [open({ changedAt: NOW - 400_000, process: 'a' })]
    expect(verdict([service({ breakers, processes: [own, next] })]).state).toBe('healthy')
    const beside = { ...next, firstAt: NOW - 800_000 }
    expect(verdict([service({ breakers, processes: [own, beside] })]).state).toBe('degraded')
    const started = verdict([
      service({ breakers, processes: [{ ...own, lastAt: NOW }, next], starts: [NOW - 390_000] }),
    ])
    expect(started.state).toBe('degraded')
  })

  it('is degraded since a breaker opened three days ago, while its process runs', () => {
    const breakers = [open({ changedAt: NOW - 20_000, openSince: NOW - 3 * DAY_MS })]
    expect(verdict([service({ breakers })])).toMatchObject({
      state: 'degraded',
      since: NOW - 3 * DAY_MS,
      cause: { reason: 'breaker' },
    })
  })

  it('lists server errors before 404 noise, which makes them no rarer', () => {
    const noise = service({ window: window({ requests: 50_020, clientErrors: 50_000, failures: 20 }) })
    expect(verdict([noise])).toMatchObject({ state: 'degraded', cause: { reason: '5xx' } })
    const some = service({ window: window({ requests: 5_000, clientErrors: 1_500, failures: 6 }) })
    const usual = minutes(30, 1, { requests: 5_000, clientErrors: 1_500 })
    expect(verdict([{ ...some, minutes: usual }]).services[0]?.reasons).toEqual(['5xx'])
  })

  it('is healthy with two failures among thousands', () => {
    expect(verdict([service({ window: window({ requests: 5_000, failures: 2 }) })])).toMatchObject({ state: 'healthy' })
  })

  it('names the culprit, not the relays above it', () => {
    const services = [
      failing('gateway', { window: window({ requests: 900, failures: 900 }) }),
      failing('shop', { window: window({ requests: 500, failures: 500 }) }),
      failing('inventory'),
      healthy('product'),
    ]
    const judged = verdict(services, calls('gateway shop', 'shop inventory', 'shop product'))
    expect(judged.cause).toEqual({ service: 'inventory', reason: '5xx' })
    expect(judged.effect.services).toEqual(expect.arrayContaining(['gateway', 'shop']))
  })

  it('names a called service that went silent while its caller fails', () => {
    const dead = service({ name: 'inventory', window: window(), lastRequestAt: NOW - 70_000, minutes: minutes(20, 1) })
    const judged = verdict([failing('shop'), dead], calls('shop inventory'))
    expect(judged).toMatchObject({ state: 'failing', cause: { service: 'inventory', reason: 'silence' } })
  })

  it('names a slow service that its caller gives up on', () => {
    const slow = service({ name: 'inventory', window: window({ requests: 50, p95Ms: 9_000 }) })
    const judged = verdict([failing('shop'), slow], calls('shop inventory'))
    expect(judged.cause).toEqual({ service: 'inventory', reason: 'latency' })
  })

  it('does not blame a service with few failures for the many of its caller', () => {
    const some = service({ name: 'inventory', window: window({ requests: 100, failures: 2 }) })
    const edges = [{ caller: 'shop', callee: 'inventory', failures: 2 }]
    expect(verdict([failing('shop'), some], { edges }).cause?.service).toBe('shop')
    expect(
      verdict([failing('shop'), some], { edges: edges.map((edge) => ({ ...edge, failures: 25 })) }).cause?.service,
    ).toBe('inventory')
  })

  it('names one of two services that call each other and fail', () => {
    const judged = verdict([failing('a'), failing('b')], calls('a b', 'b a'))
    expect(judged.cause?.service).toBe('a')
  })

  it('names what more failing services depend on, of two culprits', () => {
    const services = ['a', 'b', 'c', 'x', 'y'].map((name) => failing(name))
    expect(verdict(services, calls('a x', 'b y', 'c y')).cause?.service).toBe('y')
  })

  it('names the one with more failures of two culprits of one caller, although the other failed first', () => {
    const small = failing('flaky', {
      window: window({ requests: 3, failures: 2 }),
      minutes: minutes(2, 0, { failures: 1 }),
    })
    const large = failing('inventory', { window: window({ requests: 40, failures: 35 }) })
    const judged = verdict([failing('shop'), small, large], calls('shop flaky', 'shop inventory'))
    expect(judged.cause?.service).toBe('inventory')
  })

  it('names the one that failed first of two culprits of one caller with almost as many failures', () => {
    const first = failing('flaky', {
      window: window({ requests: 40, failures: 20 }),
      minutes: minutes(2, 0, { failures: 1 }),
    })
    const other = failing('inventory', { window: window({ requests: 40, failures: 25 }) })
    const judged = verdict([failing('shop'), first, other], calls('shop flaky', 'shop inventory'))
    expect(judged.cause?.service).toBe('flaky')
  })

  it('waits while there are only health checks, and reports failing ones', () => {
    const checked = { lastRequestAt: undefined, minutes: [] }
    expect(verdict([service({ ...checked, window: window({ probes: 30 }) })]).state).toBe('waiting')
    const failed = service({ ...checked, window: window({ probes: 30, probeFailures: 30 }) })
    expect(verdict([failed])).toMatchObject({ state: 'degraded', cause: { reason: '5xx' } })
  })

  it('is silent when only health checks remain of the traffic', () => {
    const checked = service({ window: window({ probes: 30 }), lastRequestAt: NOW - 90_000, minutes: minutes(20, 1) })
    expect(verdict([checked]).state).toBe('silent')
  })

  it('judges old files at their last line, and says so', () => {
    const old = failing('shop', { wasFollowed: false })
    expect(verdict([old], { isOld: true })).toMatchObject({ state: 'failing', asOf: NOW })
  })

  it('lists an old file beside live ones, but the headline is about now', () => {
    const at = NOW - DAY_MS
    const old = failing('old', {
      window: window(),
      lastWindow: window({ requests: 9, failures: 9 }),
      lastRequestAt: at,
      lastLineAt: at,
      wasFollowed: false,
      minutes: [],
    })
    const judged = verdict([old, healthy('shop')])
    expect(judged).toMatchObject({ state: 'healthy', asOf: undefined, cause: undefined })
    expect(judged.services[0]).toMatchObject({ name: 'old', state: 'failing', asOf: at, isCurrent: false })
  })

  it('keeps a service silent that stopped long ago while it was followed', () => {
    const at = NOW - 7_200_000
    const gone = service({ window: window(), lastRequestAt: at, lastLineAt: at, minutes: minutes(140, 121) })
    expect(verdict([gone])).toMatchObject({ state: 'silent', since: at })
  })

  it('does not call a service healthy that failed with its last requests and got none since', () => {
    const at = NOW - 120_000
    const rare = service({ window: window(), lastWindow: window({ requests: 3, failures: 3 }), lastRequestAt: at })
    expect(verdict([rare])).toMatchObject({ state: 'failing', asOf: at })
  })

  it('counts what users got, without hops', () => {
    const shop = service({ name: 'shop', window: window({ requests: 40, degraded: 30 }) })
    const hops = { requests: 40, failures: 40, entries: 0, entryFailures: 0 }
    expect(verdict([shop, failing('inventory', { window: window(hops) })]).effect).toEqual({
      requests: 40,
      failures: 0,
      degraded: 30,
      services: [],
    })
  })
})

describe('since', () => {
  it('is when the failures began, not the last one, across hours', () => {
    const hour = minutes(60, 0, { failures: 50 })
    expect(verdict([failing('shop', { minutes: hour })]).since).toBe(NOW - 3_600_000)
    const older = { since: NOW - 5 * 3_600_000, lastAt: NOW - 3_601_000 }
    expect(verdict([failing('shop', { minutes: hour, olderFailing: older })]).since).toBe(older.since)
    const apart = { ...older, lastAt: NOW - 3_600_000 - 60_001 }
    expect(verdict([failing('shop', { minutes: hour, olderFailing: apart })]).since).toBe(NOW - 3_600_000)
  })

  it('does not begin with a single failure among thousands before the trouble', () => {
    const noise = minutes(30, 2, { requests: 5_000, failures: 1 })
    const began = minute(1, { failures: 50, firstFailureAt: NOW - 20_000, lastFailureAt: NOW })
    expect(verdict([failing('shop', { minutes: [...noise, began] })]).since).toBe(NOW - 20_000)
  })

  it('includes failures that began seconds before a minute ended', () => {
    const first = minute(2, { requests: 60, failures: 2, firstFailureAt: NOW - 62_000, lastFailureAt: NOW - 61_000 })
    const full = minute(1, { failures: 50, firstFailureAt: NOW - 60_000, lastFailureAt: NOW })
    expect(verdict([failing('shop', { minutes: [first, full] })]).since).toBe(NOW - 62_000)
  })

  it('starts again after a calm minute', () => {
    const before = minute(4, { failures: 50, lastFailureAt: NOW - 181_000 })
    const again = minute(1, { failures: 50, firstFailureAt: NOW - 40_000, lastFailureAt: NOW })
    expect(verdict([failing('shop', { minutes: [before, again] })]).since).toBe(NOW - 40_000)
  })
})
