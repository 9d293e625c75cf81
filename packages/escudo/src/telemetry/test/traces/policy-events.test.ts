import { trace } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { cache } from '../../../policies/cache/cache.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { hedge } from '../../../policies/hedge/hedge.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { recordTraces } from '../../otel.ts'
import { startTraces } from './setup.ts'

const never = () => new Promise<never>(() => {})
const refused = () => Promise.reject(new Error('refused by postgres://shop:hunter2@db'))

/** Runs code inside a span of the program, and returns the events of that span. */
async function eventsOf(body: () => unknown) {
  const sdk = startTraces()
  await trace.getTracer('shop').startActiveSpan('work', async (span) => {
    await body()
    span.end()
  })
  const [span] = sdk.spansOf('internal')
  return span?.events.map(({ name, attributes }) => ({ name, ...attributes }))
}

describe('an event of a policy', () => {
  it('is an event of the active span: retry and fallback, with the error and without its secrets', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'inventory', clock }, fallback(0), retry({ maxRetries: 1, backoff: constant(5) }))
    const events = await eventsOf(async () => {
      const result = guarded.run(refused)
      await clock.advance(5)
      await result
    })
    const ofError = {
      'escudo.shield': 'inventory',
      'error.type': 'Error',
      'escudo.error.message': expect.stringMatching(/^refused by postgres:\/\/.*@db$/),
    }
    expect(events).toEqual([
      { name: 'escudo.retry.attempt', 'escudo.policy': 'retry', 'escudo.attempt': 1, 'escudo.delay_ms': 5, ...ofError },
      { name: 'escudo.fallback', 'escudo.policy': 'fallback', ...ofError },
    ])
    expect(JSON.stringify(events)).not.toContain('hunter2')
  })

  it('is one of a breaker: its change of state, and its refusals', async () => {
    const guarded = shield({ name: 'inventory', clock: virtualClock() }, circuitBreaker({ trip: consecutive(1) }))
    const events = await eventsOf(async () => {
      await expect(guarded.run(refused)).rejects.toThrow()
      await expect(guarded.run(refused)).rejects.toThrow()
    })
    expect(events).toMatchObject([
      {
        name: 'escudo.circuit_breaker.state_change',
        'escudo.from': 'closed',
        'escudo.to': 'open',
        'escudo.failures': 1,
        'error.type': 'Error',
      },
      { name: 'escudo.circuit_breaker.rejected', 'error.type': 'CIRCUIT_OPEN', 'escudo.retry_after_ms': 10_000 },
    ])
  })

  it('is one of a bulkhead, a timeout, a hedge or a cache, also from a timer', async () => {
    const clock = virtualClock()
    const full = shield('full', bulkhead({ limit: 1, queue: 0 }))
    const slow = shield({ name: 'slow', clock }, timeout('1s'))
    const hedged = shield({ name: 'hedged', clock }, hedge({ after: '100ms' }))
    const old = shield({ name: 'old', clock }, cache({ ttl: '1s', staleIfError: '1m' }))
    const events = await eventsOf(async () => {
      full.run(never)
      await expect(full.run(never)).rejects.toThrow()
      const timedOut = expect(slow.run(never)).rejects.toThrow()
      let calls = 0
      const first = hedged.run(() => (++calls === 1 ? never() : 42))
      await old.run(() => 42, { key: 'a' })
      await clock.advance('2s')
      await Promise.all([timedOut, first])
      await old.run(refused, { key: 'a' })
    })
    expect(events).toMatchObject([
      { name: 'escudo.bulkhead.rejected', 'escudo.shield': 'full', 'error.type': 'BULKHEAD_FULL' },
      { name: 'escudo.hedge', 'escudo.shield': 'hedged', 'escudo.attempt': 2 },
      { name: 'escudo.hedge.won', 'escudo.shield': 'hedged', 'escudo.attempt': 2 },
      { name: 'escudo.timeout', 'escudo.shield': 'slow', 'escudo.after_ms': 1_000 },
      { name: 'escudo.cache.stale', 'escudo.shield': 'old', 'escudo.age_ms': 2_000, 'error.type': 'Error' },
    ])
  })

  it('is lost without an active span, and harms no call', async () => {
    const sdk = startTraces()
    expect(await shield('inventory', fallback(42)).run(refused)).toBe(42)
    expect(sdk.spans()).toEqual([])
  })
})

describe('recordTraces', () => {
  it('throws for invalid options and if traces are recorded already', () => {
    expect(() => recordTraces({ tracerProvider: {} as never })).toThrow('recordTraces.tracerProvider: expected a')
    expect(() => recordTraces({ provider: trace } as never)).toThrow('recordTraces')
    const stop = recordTraces()
    onTestFinished(stop)
    expect(() => recordTraces()).toThrow('recorded already')
    stop()
    stop()
    recordTraces()()
  })

  it('does not end a later recording when an earlier one is stopped again', () => {
    const first = recordTraces()
    first()
    const second = recordTraces()
    first()
    expect(() => recordTraces()).toThrow('recorded already')
    second()
  })
})
