import { afterEach, describe, expect, it } from 'vitest'
import { bandsOf } from '../bands.ts'
import { healthOf } from '../health.ts'
import { type Lane, lanesOf } from '../lanes.ts'
import { tallyOf } from '../summary.ts'
import { answeredBy } from '../sums.ts'
import { at, createSystem, type Line, NOW, OPENED, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

const RANGE = { from: NOW - 900_000, to: NOW + 1_000 }

function lanes(): readonly Lane[] {
  const { files } = system
  return lanesOf(files, RANGE, healthOf(files, system.now), answeredBy(tallyOf(files, RANGE), files.journal.cells))
}

/** A request each 10 seconds in each of some instances, from the age `from` on. */
function traffic(instances: readonly number[], from: number, until = 0): Line[] {
  const ages = Array.from({ length: Math.floor((from - until) / 10) }, (_, index) => from - index * 10)
  return ages.flatMap((ago) => instances.map((number) => ({ ago, ...of(number) })))
}

const of = (number: number, pid = number): { readonly instance: string; readonly pid: number } => ({
  instance: `shop-${number}`,
  pid,
})

const names = (): readonly string[] => system.service('shop').instances.map(({ name }) => name)
const silent = (): readonly string[] =>
  system.service('shop').instances.flatMap(({ name, silent }) => (silent ? [name] : []))

describe('the instances of a service', () => {
  it('are listed by name with the time of their last line, also after a restart', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...traffic([1, 2, 10], 300, 200), ...traffic([1, 10], 200), { ago: 5, ...of(2, 77) }])
    expect(names()).toEqual(['shop-1', 'shop-2', 'shop-10'])
    expect(system.service('shop').instances[1]).toEqual({ name: 'shop-2', last_line: at(5), silent: false })
  })

  it('are silent if they stop writing, gone after ten minutes or when they say that they stop', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...traffic([1, 2, 3, 4], 1_200, 700), ...traffic([1, 2, 3], 700, 130)])
    const instance = { name: 'shop-3', host: 'h', pid: 3, started_at: at(1_200) }
    await system.write('shop', [{ ago: 130, event: 'service.stop', instance }, ...traffic([1], 130)])
    expect([names(), silent()]).toEqual([['shop-1', 'shop-2'], ['shop-2']])
  })

  it('are not silent if they write as rarely as usual', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...traffic([1], 900), ...[900, 700, 500, 300].map((ago) => ({ ago, ...of(2) }))])
    expect(silent()).toEqual([])
  })

  it('are none where lines name no process, or only its number, or only when it starts', async () => {
    system = await createSystem(['shop'])
    const instance = { host: 'h', pid: 3, started_at: at(60) }
    await system.write('shop', [{ ago: 60, event: 'service.start', instance }, { ago: 50 }, { ago: 3, pid: 7 }])
    expect(names()).toEqual([])
  })
})

describe('a start of one of several instances', () => {
  const started = (ago: number, number: number, pid = number): Line => ({
    ago,
    event: 'service.start',
    instance: { name: `shop-${number}`, host: 'h', pid, started_at: at(ago + 1) },
    pid,
  })

  it('is no restart of the others, neither at the start of all nor later', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      ...[1, 2, 3].map((number) => started(50 - number, number)),
      ...traffic([1, 2, 3], 40),
      started(5, 4),
      { ago: 1, ...of(4) },
    ])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', reasons: [] })
  })

  it('is no restart when it writes lines before the one that reports its start', async () => {
    system = await createSystem(['shop'])
    const lines = [1, 2].flatMap((number) => [{ ago: 50.5, ...of(number) }, started(50, number)])
    await system.write('shop', [...lines, ...traffic([1, 2], 40)])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', reasons: [] })
  })

  it('is a restart if the same instance ran before', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...traffic([1, 2, 3], 100), started(8, 2, 77), { ago: 1, ...of(2, 77) }])
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['restarts'] })
  })
})

describe('the lane of a breaker in several instances', () => {
  const change = (ago: number, number: number, to: string, reason?: string, from = 'closed'): Line => ({
    ...OPENED,
    ago,
    ...of(number),
    from,
    to,
    ...(reason === undefined ? {} : { reason }),
  })

  it('has the worst state, and says in which instances it is not closed', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      ...traffic([1, 2, 3], 100),
      change(60, 2, 'open'),
      change(50, 1, 'open'),
      change(40, 1, 'closed', undefined, 'open'),
    ])
    expect(lanes()).toHaveLength(1)
    expect(lanes()[0]).toMatchObject({
      state: 'open',
      since: NOW - 60_000,
      before: 'closed',
      instances: { all: 3, notClosed: [{ name: 'shop-2', state: 'open' }] },
    })
    expect(lanes()[0]?.changes.map(({ instance, to, state }) => [instance, to, state])).toEqual([
      ['shop-2', 'open', undefined],
      ['shop-1', 'open', undefined],
      ['shop-1', 'closed', 'open'],
    ])
    const bands = bandsOf(lanes()[0] as Lane, RANGE)
    expect(bands.map(({ state }) => state)).toEqual(['closed', 'open', 'open', 'open'])
    const open = system.service('shop').open_breakers
    expect(open.map(({ instance, state }) => [instance, state])).toEqual([['shop-2', 'open']])
  })

  it('keeps the decision of the fleet, and is closed when all are', async () => {
    system = await createSystem(['shop'])
    const reason = 'fleet: 2 of 3'
    await system.write('shop', [
      ...traffic([1, 2, 3], 100),
      ...[1, 2, 3].map((number) => change(60, number, 'open', reason)),
      change(50, 2, 'half-open', undefined, 'open'),
    ])
    expect(lanes()[0]).toMatchObject({ state: 'open', instances: { all: 3 } })
    expect(lanes()[0]?.changes[0]?.reason).toBe(reason)
    await system.write('shop', [
      change(3, 2, 'closed', undefined, 'half-open'),
      ...[1, 3].map((number) => change(2, number, 'closed', 'fleet', 'open')),
    ])
    expect(lanes()[0]).toMatchObject({ state: 'closed', instances: { all: 3, notClosed: [] } })
  })

  it('forgets the circuit of an instance that was restarted, not those of the others', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      ...traffic([1, 2], 100),
      change(8, 1, 'open'),
      change(7, 2, 'open'),
      { ago: 3, ...of(1, 71) },
    ])
    expect(lanes()[0]?.instances?.notClosed).toEqual([{ name: 'shop-2', state: 'open' }])
  })

  it('counts the refusals of all instances', async () => {
    system = await createSystem(['shop'])
    const refused = { event: 'circuit_breaker.rejected', shield: 'inventory', policy: 'circuitBreaker' }
    await system.write('shop', [
      change(60, 1, 'open'),
      change(60, 2, 'open'),
      { ago: 20, ...refused, ...of(1), retry_after_ms: 60_000 },
      { ago: 20, ...refused, ...of(2), retry_after_ms: 30_000 },
      { ago: 10, event: 'policy.summary', shield: 'inventory', ...of(2), counts: { 'circuit_breaker.rejected': 5 } },
    ])
    expect(lanes()[0]).toMatchObject({ refusals: 7, probe: { at: NOW + 10_000, isEstimate: false } })
  })
})
