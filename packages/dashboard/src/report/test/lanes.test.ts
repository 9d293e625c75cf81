import { afterEach, describe, expect, it } from 'vitest'
import { healthOf } from '../health.ts'
import { type Lane, lanesOf } from '../lanes.ts'
import { tallyOf } from '../summary.ts'
import { answeredBy } from '../sums.ts'
import { createSystem, NOW, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

const CHANGE = { event: 'circuit_breaker.state_change', shield: 'inventory', policy: 'breaker' }
const OPENED = { ...CHANGE, from: 'closed', to: 'open' }

function lane(range = { from: NOW - 900_000, to: NOW + 1_000 }): Lane | undefined {
  const { files } = system
  return lanesOf(files, range, healthOf(files, system.now), answeredBy(tallyOf(files, range), files.journal.cells))[0]
}

describe('the lane of a breaker', () => {
  it('has each change with its reason, its failures and its trace', async () => {
    system = await createSystem(['shop'])
    const why = { reason: '5 of 10 calls failed', failures: 5, calls: 10, error_code: 'ECONNREFUSED', trace_id: 't' }
    await system.write('shop', [{ ago: 30, ...OPENED, ...why }])
    expect(lane()).toMatchObject({
      state: 'open',
      before: 'closed',
      changes: [
        { at: NOW - 30_000, from: 'closed', to: 'open', failures: 5, calls: 10, error: 'ECONNREFUSED', traceId: 't' },
      ],
    })
    expect(lane()?.changes[0]?.reason).toBe('5 of 10 calls failed')
  })

  it('counts refusals in the range, one by one and summarised', async () => {
    system = await createSystem(['shop'])
    const refused = { event: 'circuit_breaker.rejected', shield: 'inventory', policy: 'breaker', retry_after_ms: 4_000 }
    await system.write('shop', [
      { ago: 3_000, ...refused },
      { ago: 60, ...OPENED },
      { ago: 40, ...refused },
      { ago: 30, event: 'policy.summary', shield: 'inventory', counts: { 'circuit_breaker.rejected': 20 } },
    ])
    expect(lane()).toMatchObject({ refusals: 21, probe: { at: NOW - 36_000, isEstimate: false } })
    expect(lane({ from: NOW - 7_200_000, to: NOW })?.refusals).toBe(22)
  })

  it('expects the next probe after as long as the last one, if no refusal says when', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      { ago: 30, ...OPENED },
      { ago: 22, ...CHANGE, from: 'open', to: 'half-open' },
      { ago: 21, ...CHANGE, from: 'half-open', to: 'open' },
    ])
    expect(lane()?.probe).toEqual({ at: NOW - 13_000, isEstimate: true })
    await system.write('shop', [{ ago: 0, ...CHANGE, from: 'open', to: 'closed' }])
    expect(lane()?.probe).toBeNull()
  })

  it('is unknown from the restart of its process on, also between two changes', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      { ago: 300, ...OPENED },
      { ago: 200, event: 'service.start', pid: 2 },
      { ago: 100, ...CHANGE, from: 'closed', to: 'isolated' },
      { ago: 50, event: 'service.start', pid: 3 },
    ])
    expect(lane()?.changes.map(({ at, to, reason }) => [(NOW - at) / 1_000, to, reason])).toEqual([
      [300, 'open', undefined],
      [200, 'unknown', 'restart'],
      [100, 'isolated', undefined],
      [50, 'unknown', 'restart'],
    ])
    expect(lane()).toMatchObject({ state: 'unknown', since: NOW - 50_000, probe: null })
    expect(lane({ from: NOW - 150_000, to: NOW })?.before).toBe('unknown')
  })

  it('has the requests of the service that it protects', async () => {
    system = await createSystem(['shop', 'inventory-service'])
    await system.write('shop', [{ ago: 30, ...OPENED }])
    await system.write('inventory-service', [
      { ago: 40, status_code: 503 },
      { ago: 39, status_code: 200 },
      // Its breaker does not see a health check.
      { ago: 38, status_code: 200, path: '/healthz' },
    ])
    expect(lane()?.callee).toEqual({ service: 'inventory-service', requests: 2, failures: 1 })
  })
})

it('is in the state before its first change, in a range that ends before it', async () => {
  system = await createSystem(['shop'])
  await system.write('shop', [{ ago: 30, ...OPENED }])
  expect(lane({ from: NOW - 90_000, to: NOW - 60_000 })).toMatchObject({ before: 'closed', changes: [] })
})
