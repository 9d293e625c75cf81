import { getEventListeners } from 'node:events'
import { bulkhead, circuitBreaker, consecutive, constant, fallback, retry, shield, timeout } from 'escudo'
import { virtualClock } from 'escudo/testing'
import { expect, test } from 'vitest'

// Many concurrent calls: bounds hold, and every permit, listener and timer is released.

const heapMb = (): number => process.memoryUsage().heapUsed / 2 ** 20

test('a full bulkhead rejects a million calls, fast and without growing the heap', async () => {
  const clock = virtualClock()
  const s = shield({ name: 'full', clock }, bulkhead({ limit: 10, queue: 10, maxWait: '1h' }))
  const running = Array.from({ length: 20 }, () => s.run(() => new Promise(() => {})).catch((error) => error.code))
  let rejected = 0
  const count = (error: { readonly code: string }): void => {
    if (error.code === 'BULKHEAD_FULL') rejected += 1
  }
  const before = heapMb()
  const startMs = performance.now()
  for (let batch = 0; batch < 1_000; batch += 1) {
    await Promise.all(Array.from({ length: 1_000 }, () => s.run(() => 'never called').catch(count)))
  }
  expect(rejected).toBe(1_000_000)
  // It takes seconds. It would take minutes if the cost of a refusal grew with the number of earlier ones.
  expect(performance.now() - startMs).toBeLessThan(15_000)
  expect(heapMb() - before).toBeLessThan(150)
  expect(s.status().policies[0]).toMatchObject({ inUse: 10, queued: 10 })
  expect(clock.pending).toBe(1)
  void running
})

test('a hundred thousand calls on one signal leave no listener and cause no warning', async () => {
  const clock = virtualClock()
  const s = shield(
    { name: 'one-signal', clock },
    fallback('fallback'),
    timeout('30s'),
    retry({ maxRetries: 1, backoff: constant(0) }),
    circuitBreaker({ trip: consecutive(1e6) }),
    bulkhead({ limit: 50, queue: 50 }),
    timeout('10s'),
  )
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', onWarning)
  const { signal } = new AbortController()
  for (let batch = 0; batch < 1_000; batch += 1) {
    const calls = Array.from({ length: 100 }, (_, n) => s.run(async () => n, { signal }))
    expect((await Promise.all(calls))[99]).toBe(99)
  }
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(warnings).toEqual([])
  expect(clock.pending).toBe(0)
})

test('the abort of one signal settles a thousand calls and releases every permit', async () => {
  const clock = virtualClock()
  const s = shield(
    { name: 'shared-abort', clock },
    timeout('30s'),
    retry({ maxRetries: 1, backoff: constant('1h') }),
    circuitBreaker({ trip: consecutive(1e6) }),
    bulkhead({ limit: 400, queue: 300 }),
    timeout('10s'),
  )
  const controller = new AbortController()
  const calls = Array.from({ length: 1_000 }, (_, n) =>
    s
      .run(() => (n % 2 === 0 ? new Promise(() => {}) : Promise.reject(new Error('down'))), {
        signal: controller.signal,
      })
      .catch((error) => error.code ?? error.message ?? error),
  )
  await clock.advance(1)
  controller.abort('gone')
  const outcomes = new Set(await Promise.all(calls))
  expect(outcomes).toEqual(new Set(['gone', 'BULKHEAD_FULL', 'down']))
  await clock.advance(0)
  expect(s.status().policies[3]).toMatchObject({ inUse: 0, queued: 0 })
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(clock.pending).toBe(0)
})

test('a thousand calls at the moment of half-open make exactly one probe', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
  const s = shield(
    { name: 'stampede', clock },
    fallback('fallback'),
    timeout('30s'),
    retry({ maxRetries: 2, backoff: constant(0) }),
    breaker,
    bulkhead({ limit: 100 }),
    timeout('5s'),
  )
  void s.run(() => Promise.reject(new Error('down')))
  await clock.advance('10s')
  expect(breaker.state).toBe('half-open')
  let probes = 0
  const answers = Promise.all(
    Array.from({ length: 1_000 }, () =>
      s.run(() => {
        probes += 1
        return new Promise<string>((resolve) => clock.setTimer(() => resolve('back'), 10))
      }),
    ),
  )
  await clock.advance('1s')
  expect(probes).toBe(1)
  expect((await answers).filter((answer) => answer === 'back').length).toBe(1)
  expect(breaker.state).toBe('closed')
  expect(clock.pending).toBe(0)
})
