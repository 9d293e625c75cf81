import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type Clock, rateLimiter, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { ALGORITHMS } from '../state/test/setup.ts'
import { refusalOf, setUp } from './setup.ts'

describe('a rate limiter with maxWait', () => {
  test('lets calls wait in order of arrival, and rejects a call that would wait longer', async () => {
    const { clock, call, started, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: 300 })
    const calls = ['a', 'b', 'c', 'd', 'e'].map((name) => call(name))
    expect(status()).toEqual({ available: 0, queued: 3 })
    expect(await calls[4]).toBe('RATE_LIMITED')
    await clock.advance('1s')
    expect(started).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 300],
    ])
    expect([status(), clock.pending]).toEqual([{ available: 1, queued: 0 }, 0])
  })

  test('rejects with a retryAfterMs after which a call may join the queue', async () => {
    const { clock, s, call } = setUp({ limit: 3, per: '1s', burst: 1, maxWait: 500 })
    for (const name of ['a', 'b']) void call(name)
    const { retryAfterMs } = await refusalOf(s.run(() => 1))
    expect(retryAfterMs).toBeCloseTo(1_000 / 1.5 - 500)
    await clock.advance((retryAfterMs as number) - 1e-6)
    await refusalOf(s.run(() => 1))
    await clock.advance(1e-6)
    const admitted = call('c')
    await clock.advance(500)
    expect(await admitted).toBe('c')
  })

  test('rejects a call immediately if its permit would come at its deadline or later', async () => {
    const { clock, s, call, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: '1m' })
    void call('a')
    expect(await call('b', { deadline: 100 })).toBe('RATE_LIMITED')
    const error = await refusalOf(s.run(() => 1, { deadline: 50 }))
    expect([error.retryAfterMs, status()]).toEqual([100, { available: 0, queued: 0 }])
    const inTime = call('c', { deadline: 101 })
    await clock.advance(100)
    expect(await inTime).toBe('c')
    // An outer timeout is a deadline too.
    const timed = shield(
      { name: 't', clock },
      timeout(150),
      rateLimiter({ limit: 10, per: '1s', burst: 1, maxWait: '1m' }),
    )
    const outcomes = [1, 2, 3].map((n) => timed.run(() => n).catch((thrown) => thrown.code))
    await clock.advance(0)
    expect(await outcomes[2]).toBe('RATE_LIMITED')
    await clock.advance(100)
    expect(await Promise.all(outcomes)).toEqual([1, 2, 'RATE_LIMITED'])
  })

  test('removes an aborted call immediately with its reason; all calls behind it move up', async () => {
    const { clock, call, started, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: '1s' })
    const controller = new AbortController()
    void call('a')
    const aborted = [call('b', { signal: controller.signal }), call('c', { signal: controller.signal })]
    const rest = ['d', 'e'].map((name) => call(name))
    await clock.advance(50)
    controller.abort('gone')
    expect(await Promise.all(aborted)).toEqual(['gone', 'gone'])
    expect(status()).toEqual({ available: 0, queued: 2 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await clock.advance(150)
    expect(await Promise.all(rest)).toEqual(['d', 'e'])
    expect(started).toEqual([
      ['a', 0],
      ['d', 100],
      ['e', 200],
    ])
    expect(clock.pending).toBe(0)
  })

  test('clears the timer when the last waiting call is aborted', async () => {
    const { clock, call } = setUp({ limit: 1, per: '1h', maxWait: '2h' })
    const controller = new AbortController()
    void call('a')
    const aborted = call('b', { signal: controller.signal })
    expect(clock.pending).toBe(1)
    controller.abort('gone')
    expect([await aborted, clock.pending]).toEqual(['gone', 0])
  })

  test.each([undefined, 2])('passes the permits on if the call is aborted before it starts, cost: %s', async (cost) => {
    const passedOn: boolean[] = []
    for (const algorithm of ['tokenBucket', 'slidingWindow'] as const) {
      for (let microtasks = 0; microtasks < 20; microtasks += 1) {
        const clock = virtualClock()
        const controller = new AbortController()
        const abortLater = async (): Promise<void> => {
          for (let n = 0; n < microtasks; n += 1) await undefined
          controller.abort('gone')
        }
        // In the same run of microtasks that the limiter's timer starts.
        const setTimer: typeof clock.setTimer = (fire, delayMs) =>
          clock.setTimer(() => {
            fire()
            void abortLater()
          }, delayMs)
        const s = shield(
          { name: 's', clock: { now: clock.now, setTimer } },
          rateLimiter({ limit: cost ?? 1, per: 100, algorithm, maxWait: '1s' }),
        )
        const started: [name: string, atMs: number][] = []
        const call = (name: string, signal?: AbortSignal): Promise<unknown> =>
          s.run(() => started.push([name, clock.now()]), { signal, cost }).catch((error) => error)
        void call('a')
        const aborted = call('b', controller.signal)
        const next = call('c')
        await clock.advance(100)
        const ran = started.some(([name]) => name === 'b')
        passedOn.push(!ran)
        if (!ran) expect(await aborted).toBe('gone')
        // Either b used the permit, or c got it at the same instant.
        expect(started[1]).toEqual([ran ? 'b' : 'c', 100])
        await clock.advance(ran ? 100 : 0)
        expect(await next).toBe(ran ? 3 : 2)
        expect(clock.pending).toBe(0)
      }
    }
    expect([passedOn.includes(true), passedOn.includes(false)]).toEqual([true, true])
  })

  test('serves the waiting calls before a new call, even if the timer is late', async () => {
    let nowMs = 0
    const timers: (() => void)[] = []
    const clock = {
      now: () => nowMs,
      setTimer(fire: () => void): () => void {
        timers.push(fire)
        return () => void timers.splice(timers.indexOf(fire), 1)
      },
    }
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 10, per: '1s', burst: 2, maxWait: '1s' }))
    const started: string[] = []
    const call = (name: string): Promise<unknown> => s.run(() => started.push(name)).catch((error) => error.code)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) void call(name)
    // The event loop was blocked: two permits are due, and no timer has fired.
    nowMs = 200
    void call('new call')
    await new Promise((resume) => setImmediate(resume))
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    nowMs = 30_000
    timers[0]?.()
    await new Promise((resume) => setImmediate(resume))
    // They have waited longer than `maxWait`, so they do not start although permits are due.
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    expect(s.status().policies[0]).toMatchObject({ available: 2, queued: 0 })
  })

  test('admits no call when a timer fires too early, as those of Node do, and sets it again', async () => {
    const inner = virtualClock()
    const clock: Clock = {
      now: inner.now,
      setTimer: (fire, delayMs) => inner.setTimer(fire, Math.max(1, Math.floor(delayMs))),
    }
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 3, per: '1s', burst: 1, maxWait: '1s' }))
    await s.run(() => 1)
    const startedMs = s.run(() => clock.now())
    await inner.advance('1s')
    expect(await startedMs).toBe(334)
  })

  test('is not affected by a listener that throws or that calls again', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { clock, s, call, started } = setUp({ limit: 1, per: 100, maxWait: 100 })
    let again: Promise<unknown> | undefined
    let events = 0
    s.on('rejected', () => {
      events += 1
      // Only for the first event: the new call is rejected too, and would call again without end.
      if (events === 1) again = call('again')
      throw new Error('listener')
    })
    const calls = ['a', 'b', 'c'].map((name) => call(name))
    await clock.advance('1s')
    expect([await Promise.all(calls), await again]).toEqual([['a', 'b', 'RATE_LIMITED'], 'RATE_LIMITED'])
    expect([started.length, events]).toEqual([2, 2])
    warnings.mockRestore()
  })

  test('treats a reentrant call like any other', async () => {
    const { clock, s, call } = setUp({ limit: 1, per: 100, maxWait: 100 })
    const outer = s.run(async () => await call('inner'))
    await clock.advance(100)
    expect(await outer).toBe('inner')
  })

  test('leaves no listener, timer or permit behind after 100 000 calls of all outcomes', async () => {
    const { clock, s, call, status } = setUp({ limit: 100, per: '1s', burst: 10, maxWait: 200 })
    const controller = new AbortController()
    let settled = 0
    for (let round = 0; round < 100; round += 1) {
      const giveUp = new AbortController()
      for (let n = 0; n < 1_000; n += 1) {
        const signal = n % 3 === 0 ? giveUp.signal : controller.signal
        void call('x', { signal, deadline: '1s' }).then(() => {
          settled += 1
        })
      }
      giveUp.abort('gone')
      await clock.advance(250)
      expect(getEventListeners(giveUp.signal, 'abort')).toEqual([])
    }
    expect(settled).toBe(100_000)
    expect([getEventListeners(controller.signal, 'abort'), clock.pending]).toEqual([[], 0])
    await clock.advance('1s')
    expect(status()).toEqual({ available: 10, queued: 0 })
    void s
  })
})

describe.each(ALGORITHMS)('rateLimiter against an exact oracle: $name', ({ allows, name }) => {
  test('never breaks the limit or the order, whatever calls arrive, wait and abort', async () => {
    const algorithm = name.startsWith('token') ? 'tokenBucket' : 'slidingWindow'
    const arrivals = fc.array(
      fc.record({
        afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 400 })),
        abortAfterMs: fc.option(fc.integer({ min: 0, max: 100 }), { freq: 3, nil: undefined }),
      }),
      { maxLength: 60, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.integer({ min: 1, max: 6 }),
          everyMs: fc.integer({ min: 1, max: 30 }),
          burst: fc.integer({ min: 1, max: 6 }),
          maxWaitMs: fc.constantFrom(0, 50, 200),
        }),
        arrivals,
        async ({ limit, everyMs, burst, maxWaitMs }, todo) => {
          const how = { limit, perMs: limit * everyMs, burst }
          const { clock, s } = setUp({
            limit,
            per: how.perMs,
            maxWait: maxWaitMs,
            algorithm,
            ...(algorithm === 'tokenBucket' ? { burst } : {}),
          })
          const started: number[] = []
          const order: number[] = []
          const calls: Promise<unknown>[] = []
          for (const [number, { afterMs, abortAfterMs }] of todo.entries()) {
            await clock.advance(afterMs)
            const controller = new AbortController()
            if (abortAfterMs !== undefined) clock.setTimer(() => controller.abort('gone'), abortAfterMs)
            const arrivedMs = clock.now()
            const operation = (): void => {
              const now = clock.now()
              expect(allows(started, now, how)).toBe(true)
              expect(now - arrivedMs).toBeLessThanOrEqual(maxWaitMs)
              started.push(now)
              order.push(number)
            }
            const outcome = s.run(operation, { signal: controller.signal }).then(
              () => 'ran',
              (error) => {
                if (error !== 'gone' && error?.code !== 'RATE_LIMITED') throw error
              },
            )
            calls.push(outcome)
          }
          await clock.advance('1h')
          await Promise.all(calls)
          expect(order).toEqual([...order].sort((a, b) => a - b))
          expect(s.status().policies[0]).toMatchObject({ available: algorithm === 'tokenBucket' ? burst : limit })
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})
