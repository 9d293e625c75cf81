import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { type Call, callsAt, callsOf, mappedServices } from '../calls.ts'
import { createSystem, type Line, NOW, OPENED, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

const calls = (): readonly Call[] => callsOf(system.files, system.health(), system.now).calls
const names = (): readonly string[] => calls().map(({ from, to, known_by }) => `${from} → ${to} (${known_by})`)

interface Hop {
  readonly service: string
  readonly span?: string
  readonly parent?: string
  readonly ms?: number
  readonly status?: number
}

/** Writes one trace, the innermost request first, as services do. */
async function trace(id: string, hops: readonly Hop[], ago = 20): Promise<void> {
  for (const { service, span, parent, ms = 5, status = 200 } of hops.toReversed()) {
    const line: Line = {
      ...{ ago, status_code: status, latency_ms: ms, trace_id: id },
      ...(span === undefined ? {} : { span_id: span }),
      ...(parent === undefined ? {} : { parent_span_id: parent }),
    }
    await system.write(service, [line])
  }
}

describe('who calls whom', () => {
  it('counts calls and failures of parent spans in the last minutes, with their state', async () => {
    system = await createSystem(['shop', 'inventory'])
    for (let at = 0; at < 10; at += 1) {
      const status = at < 4 ? 503 : 200
      await trace(`t${at}`, [
        { service: 'shop', span: `s${at}` },
        { service: 'inventory', span: `i${at}`, parent: `s${at}`, status },
      ])
    }
    expect(calls()).toEqual([
      {
        ...{ from: 'shop', to: 'inventory', has_log: true, known_by: 'span', breakers: [] },
        ...{ calls: 10, failures: 4, seconds: 60, state: 'degraded' },
      },
    ])
    system.now += 50_000
    await system.write('shop', [{ ago: 0, status_code: 200 }])
    expect(calls()).toMatchObject([{ calls: 10, seconds: 110 }])
    system.now += 60_000
    await system.write('shop', [{ ago: 0, status_code: 200 }])
    expect(calls()).toMatchObject([{ calls: 0, failures: 0, state: 'idle' }])
  })

  it('does not take a call through another service for a call of the first one', async () => {
    system = await createSystem(['web', 'shop', 'inventory', 'stock'])
    for (let at = 0; at < 10; at += 1)
      await trace(`t${at}`, [
        { service: 'web', span: `w${at}` },
        { service: 'shop', span: `s${at}`, parent: `w${at}` },
        { service: 'inventory', span: `i${at}`, parent: `s${at}` },
        { service: 'stock', span: `k${at}`, parent: `i${at}` },
      ])
    expect(names()).toEqual(['inventory → stock (span)', 'shop → inventory (span)', 'web → shop (span)'])
  })

  it('finds the chain of a trace whose client spans are in no line', async () => {
    system = await createSystem(['web', 'shop', 'inventory'])
    for (let at = 0; at < 10; at += 1)
      await trace(`t${at}`, [
        { service: 'web', span: `w${at}`, ms: 90 },
        { service: 'shop', span: `s${at}`, parent: `client1${at}`, ms: 60 },
        { service: 'inventory', span: `i${at}`, parent: `client2${at}`, ms: 20 },
      ])
    expect(names()).toEqual(['shop → inventory (trace)', 'web → shop (trace)'])
  })

  it('keeps the calls that a service makes itself beside those that it makes through others', async () => {
    system = await createSystem(['web', 'shop', 'inventory'])
    for (let at = 0; at < 10; at += 1) {
      await trace(`a${at}`, [
        { service: 'web', span: `w${at}`, ms: 90 },
        { service: 'shop', span: `s${at}`, parent: `client1${at}`, ms: 60 },
        { service: 'inventory', span: `i${at}`, parent: `client2${at}`, ms: 20 },
      ])
      await trace(`b${at}`, [
        { service: 'web', span: `v${at}`, ms: 90 },
        { service: 'inventory', span: `j${at}`, parent: `client3${at}`, ms: 20 },
      ])
    }
    expect(names()).toEqual(['shop → inventory (trace)', 'web → inventory (trace)', 'web → shop (trace)'])
  })

  it('does not take two calls at the same time for a call of the slower service', async () => {
    system = await createSystem(['web', 'slow', 'fast'])
    for (let at = 0; at < 12; at += 1) {
      const ids = { ago: 20, status_code: 200, trace_id: `t${at}` }
      // One begins a moment before the other, by chance.
      const ms = at % 2 === 0 ? 80 : 79
      await system.write('fast', [{ ...ids, ago: 20.07, latency_ms: 10, span_id: `f${at}`, parent_span_id: `c${at}` }])
      await system.write('slow', [{ ...ids, latency_ms: ms, span_id: `s${at}`, parent_span_id: `d${at}` }])
      await system.write('web', [{ ...ids, latency_ms: 90, span_id: `w${at}` }])
    }
    expect(names()).toEqual(['web → fast (trace)', 'web → slow (trace)'])
  })

  it('finds who calls a service that several services call', async () => {
    system = await createSystem(['web', 'shop', 'account', 'db'])
    for (let at = 0; at < 10; at += 1) {
      const middle = at % 2 === 0 ? 'shop' : 'account'
      await trace(`t${at}`, [
        { service: 'web', span: `w${at}`, ms: 90 },
        { service: middle, span: `m${at}`, parent: `c${at}`, ms: 60 },
        { service: 'db', span: `b${at}`, parent: `d${at}`, ms: 20 },
      ])
    }
    expect(names()).toEqual([
      ...['account → db (trace)', 'shop → db (trace)', 'web → account (trace)', 'web → shop (trace)'],
    ])
  })

  it('keeps one of two pairs that explain each other', async () => {
    system = await createSystem(['a', 'b', 'z'])
    for (let at = 0; at < 10; at += 1) {
      const [one, other] = at % 2 === 0 ? ['a', 'b'] : ['b', 'a']
      await trace(`t${at}`, [
        { service: one as string, span: `1${at}`, ms: 90 },
        { service: other as string, span: `2${at}`, parent: `c${at}`, ms: 60 },
        { service: 'z', span: `3${at}`, parent: `d${at}`, ms: 20 },
      ])
    }
    expect(names().filter((name) => name.includes('→ z'))).not.toEqual([])
  })

  it('shows the calls of a service to itself', async () => {
    system = await createSystem(['shop'])
    await trace('t', [
      { service: 'shop', span: 'a' },
      { service: 'shop', span: 'b', parent: 'a' },
    ])
    expect(calls()).toMatchObject([{ from: 'shop', to: 'shop', calls: 1 }])
  })

  it('draws breakers on the calls, and what a shield protects without a log', async () => {
    system = await createSystem(['shop', 'inventory-service'])
    await trace('t', [
      { service: 'shop', span: 'a' },
      { service: 'inventory-service', span: 'b', parent: 'a' },
    ])
    await system.write('shop', [
      { ...OPENED, ago: 5, shield: 'inventory' },
      { ...OPENED, ago: 5, shield: 'mail', policy: 'cb' },
      { ago: 4, event: 'fallback', shield: 'tax' },
    ])
    expect(calls()).toMatchObject([
      {
        ...{ to: 'inventory-service', has_log: true, known_by: 'span', state: 'healthy' },
        breakers: [{ shield: 'inventory', policy: 'circuitBreaker', state: 'open' }],
      },
      {
        ...{ to: 'mail', has_log: false, known_by: 'shield', calls: null, failures: null, state: 'unknown' },
        breakers: [{ shield: 'mail', policy: 'cb', state: 'open' }],
      },
      { to: 'tax', has_log: false, breakers: [] },
    ])
    await system.write('shop', [{ ago: 1, event: 'service.start' }])
    expect(calls()[0]?.breakers).toMatchObject([{ state: 'unknown' }])
  })

  it('draws a breaker of several instances once, in its worst state', async () => {
    system = await createSystem(['shop'])
    const changes = ['closed', 'open', 'closed'].map(
      (to, at): Line => ({ ...OPENED, ago: 5, shield: 'mail', instance: `shop-${at}`, to }),
    )
    await system.write('shop', changes)
    expect(calls()[0]?.breakers).toEqual([{ shield: 'mail', policy: 'circuitBreaker', state: 'open' }])
  })

  it('counts by the clock of the called service', async () => {
    system = await createSystem(['shop', 'inventory'])
    for (let at = 0; at < 20; at += 1) {
      system.now += 500
      await system.write('inventory', [
        { ago: -600, status_code: 200, trace_id: `t${at}`, span_id: `i${at}`, parent_span_id: `s${at}` },
      ])
      await system.write('shop', [{ ago: 0, status_code: 200, trace_id: `t${at}`, span_id: `s${at}` }])
    }
    expect(system.service('inventory').clock_ahead_ms).toBe(600_000)
    expect(calls()).toMatchObject([{ calls: 20, state: 'healthy' }])
  })

  it('is about the moment of the verdict if the logs are old', async () => {
    system = await createSystem(['shop', 'inventory'])
    await trace(
      't',
      [
        { service: 'shop', span: 'a' },
        { service: 'inventory', span: 'b', parent: 'a' },
      ],
      86_400,
    )
    const map = callsAt(system.files, system.health(), NOW, DEFAULT_THRESHOLDS)
    expect(map.at).toBe(new Date(NOW - 86_400_000).toISOString())
    expect(map.calls).toMatchObject([{ calls: 1 }])
    expect(mappedServices(system.health())).toMatchObject([{ name: 'inventory' }, { name: 'shop' }])
  })

  it('leaves out what has less trouble beyond a bound, and says how much', async () => {
    system = await createSystem(['shop', 'inventory'])
    await trace('t', [
      { service: 'shop', span: 'a' },
      { service: 'inventory', span: 'b', parent: 'a', status: 503 },
    ])
    await system.write(
      'shop',
      Array.from({ length: 9 }, (_, at): Line => ({ ago: 4, event: 'fallback', shield: `dependency-${at}` })),
    )
    const found = callsOf(system.files, system.health(), NOW, DEFAULT_THRESHOLDS, 3)
    expect(found.more).toBe(7)
    expect(found.calls.map(({ to }) => to)).toContain('inventory')
  })
})
