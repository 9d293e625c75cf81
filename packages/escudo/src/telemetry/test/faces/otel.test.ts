import { metrics as api } from '@opentelemetry/api'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { isHttpWatched, watchServed } from '../../../core/events/http-events.ts'
import { shield } from '../../../core/shield.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { createMetrics, sourceOf } from '../../metrics.ts'
import { recordMetrics } from '../../otel.ts'
import { collectGarbage } from '../setup.ts'
import { type OtelPoint, OtelSdk } from './setup.ts'

const ends: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  vi.restoreAllMocks()
})

function startSdk(): OtelSdk {
  const sdk = new OtelSdk()
  ends.push(() => sdk.close())
  return sdk
}

async function pointsOf(sdk: OtelSdk, name: string, ofShield: string): Promise<readonly OtelPoint[]> {
  const metric = (await sdk.collect()).find((other) => other.name === name)
  return metric?.points.filter(({ attributes }) => attributes['escudo.shield'] === ofShield) ?? []
}

const ATTEMPTS = 'escudo.retry.attempts'

describe('recordMetrics', () => {
  test('uses the global provider and new metrics by default', async () => {
    const sdk = startSdk()
    api.setGlobalMeterProvider(sdk.provider)
    ends.push(() => api.disable())
    const stop = recordMetrics()
    ends.push(stop)
    const guarded = shield('global', retry())
    expect(await pointsOf(sdk, ATTEMPTS, 'global')).toMatchObject([{ value: 0 }])
    await guarded.run(() => 1)
    expect(await pointsOf(sdk, ATTEMPTS, 'global')).toMatchObject([{ value: 1 }])
    stop()
    stop()
    await guarded.run(() => 1)
    expect(await pointsOf(sdk, ATTEMPTS, 'global')).not.toMatchObject([{ value: 2 }])
  })

  test('counts a call whose clock went back as the text does', async () => {
    const sdk = startSdk()
    const metrics = createMetrics()
    ends.push(() => metrics.close())
    recordMetrics({ metrics, meterProvider: sdk.provider })
    let nowMs = 9_000
    const clock = { ...systemClock, now: () => (nowMs -= 1_000) }
    await shield({ name: 'back', clock }, retry()).run(() => 1)
    const label = 'escudo_shield="back",outcome="success"'
    expect(metrics.scrape().body).toContain(`escudo_call_duration_seconds_count{${label}} 1\n`)
    expect(metrics.scrape().body).toContain(`escudo_call_duration_seconds_sum{${label}} 0\n`)
    const points = await pointsOf(sdk, 'escudo.call.duration', 'back')
    expect(points).toMatchObject([{ value: { count: 1, sum: 0 } }])
  })

  test('stops observing and recording when its metrics are closed', async () => {
    const sdk = startSdk()
    const metrics = createMetrics()
    recordMetrics({ metrics, meterProvider: sdk.provider })
    const guarded = shield('closed', retry())
    await guarded.run(() => 1)
    const before = await pointsOf(sdk, 'escudo.call.duration', 'closed')
    expect(before).toMatchObject([{ value: { count: 1 } }])
    metrics.close()
    await guarded.run(() => 1)
    expect(await pointsOf(sdk, 'escudo.call.duration', 'closed')).toEqual(before)
    const next = createMetrics()
    ends.push(() => next.close())
    expect(() => recordMetrics({ metrics: next, meterProvider: sdk.provider })).not.toThrow()
  })

  test('leaves the metrics open when only the recording stops', async () => {
    const sdk = startSdk()
    const metrics = createMetrics()
    ends.push(() => metrics.close())
    recordMetrics({ metrics, meterProvider: sdk.provider })()
    const guarded = shield('still', retry())
    await guarded.run(() => 1)
    expect(metrics.scrape().body).toContain(
      'escudo_retry_attempts_total{escudo_shield="still",escudo_policy="retry"} 1\n',
    )
    expect(await pointsOf(sdk, 'escudo.call.duration', 'still')).toEqual([])
  })

  test('sets the gauges to 0 when it stops, so that their last value does not stay; a second one goes on', async () => {
    const sdk = startSdk()
    const metrics = createMetrics()
    ends.push(() => metrics.close())
    const running = async (): Promise<unknown> =>
      (await sdk.collect()).find(({ name }) => name === 'http.server.active_requests')?.points
    const at = (value: number): unknown => [{ attributes: { 'http.request.method': 'GET' }, value }]
    const stop = recordMetrics({ metrics, meterProvider: sdk.provider })
    watchServed({ method: 'GET' })
    expect(await running()).toEqual(at(1))
    stop()
    expect(await running()).toEqual(at(0))
    recordMetrics({ metrics, meterProvider: sdk.provider })()
    const stopAgain = recordMetrics({ metrics, meterProvider: sdk.provider })
    watchServed({ method: 'GET' })
    expect(await running()).toEqual(at(2))
    expect(await running()).toEqual(at(2))
    stopAgain()
  })

  test.each(['createHistogram', 'createObservableCounter', 'addBatchObservableCallback'])(
    'counts nothing if the meter throws in %s',
    (method) => {
      const meter = startSdk().provider.getMeter('faulty')
      const faulty = Object.assign(Object.create(meter), {
        [method]: () => {
          throw new Error('a bug')
        },
      })
      const metrics = createMetrics()
      const source = sourceOf(metrics)
      for (const options of [{}, { metrics }]) {
        expect(() => recordMetrics({ ...options, meterProvider: { getMeter: () => faulty } })).toThrow('a bug')
      }
      expect(source?.histograms.flatMap(({ recorders }) => recorders.list)).toEqual([])
      metrics.close()
      expect(isHttpWatched()).toBe(false)
    },
  )

  test('records one source in two providers, and refuses to record twice in one', async () => {
    const [first, second] = [startSdk(), startSdk()]
    const metrics = createMetrics()
    ends.push(() => metrics.close())
    recordMetrics({ metrics, meterProvider: first.provider })
    recordMetrics({ metrics, meterProvider: second.provider })
    const another = createMetrics()
    ends.push(() => another.close())
    expect(() => recordMetrics({ metrics: another, meterProvider: first.provider })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', message: expect.stringMatching(/already/) }),
    )
    const guarded = shield('two', retry())
    await guarded.run(() => 1)
    for (const sdk of [first, second]) {
      expect(await pointsOf(sdk, 'escudo.call.duration', 'two')).toMatchObject([{ value: { count: 1 } }])
    }
  })

  test('warns without an SDK, counts nothing, and works once there is one', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    recordMetrics()()
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/start the SDK before recordMetrics/),
      expect.objectContaining({ code: 'ESCUDO_OTEL' }),
    )
    const sdk = startSdk()
    api.setGlobalMeterProvider(sdk.provider)
    ends.push(() => api.disable())
    ends.push(recordMetrics())
    expect(await sdk.collect()).not.toEqual([])
  })

  test.each([
    ['recordMetrics.metrics', { metrics: { scrape: () => {}, close: () => {} } }],
    ['recordMetrics.meterProvider', { meterProvider: {} }],
    ['recordMetrics.meter', { meter: 1 }],
  ])('rejects an invalid option: %s', (path, options) => {
    expect(() => recordMetrics(options as never)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(path) }),
    )
  })

  test('observes gauges of a garbage-collected shield as 0, so that their last value does not stay', async () => {
    const sdk = startSdk()
    const metrics = createMetrics()
    ends.push(() => metrics.close())
    recordMetrics({ metrics, meterProvider: sdk.provider })
    const use = async (): Promise<void> => {
      const gone = shield('collected', bulkhead({ limit: 7 }))
      expect(await pointsOf(sdk, 'escudo.bulkhead.limit', 'collected')).toMatchObject([{ value: 7 }])
      await gone.run(() => 1)
    }
    await use()
    await vi.waitFor(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
      expect(await pointsOf(sdk, 'escudo.bulkhead.limit', 'collected')).toMatchObject([{ value: 0 }])
    })
  })
})
