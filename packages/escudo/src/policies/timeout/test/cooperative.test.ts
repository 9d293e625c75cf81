import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  explain,
  hedge,
  retry,
  type Shield,
  shield,
  type TimeoutError,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const setUp = (...inside: AnyPolicy[]) => {
  const clock = virtualClock()
  const cooperative = timeout(100, { mode: 'cooperative', grace: 50 })
  const s = shield({ name: 's', clock }, ...([cooperative, ...inside] as never[])) as unknown as Shield
  const events: unknown[] = []
  s.on('timeout', ({ afterMs }) => void events.push(afterMs))
  s.on('executed', ({ policy, outcome, durationMs }) => {
    if (policy === 'timeout') events.push([outcome, durationMs])
  })
  const after = <T>(ms: number, value: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      clock.setTimer(() => {
        try {
          resolve(value())
        } catch (error) {
          reject(error)
        }
      }, ms)
    })
  return { clock, s, events, after }
}

const outcomeOf = (call: Promise<unknown>) => call.catch((error: TimeoutError) => error)

describe('a cooperative timeout', () => {
  test('aborts the signal on time and returns a value from within the grace', async () => {
    const { clock, s, events, after } = setUp()
    let abortedAt = -1
    let reason: unknown
    const call = s.run(({ signal }) => {
      signal.addEventListener('abort', () => {
        abortedAt = clock.now()
        reason = signal.reason
      })
      return after(149, () => 'partial')
    })
    await clock.advance(149)
    expect(await call).toBe('partial')
    expect([abortedAt, (reason as TimeoutError).code]).toEqual([100, 'TIMEOUT'])
    expect(events).toEqual([['in_grace', 149]])
    expect(s.status().policies[0]).toMatchObject({ timeouts: 0 })
    expect(clock.pending).toBe(0)
  })

  test('rejects with TIMEOUT at the end of the grace, with the reason of the signal', async () => {
    const { clock, s, events } = setUp()
    let reason: unknown
    let rejectedAt = 0
    const call = s
      .run(({ signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        return new Promise<never>(() => {})
      })
      .catch((error: unknown) => {
        rejectedAt = clock.now()
        return error
      })
    await clock.advance(200)
    const error = await call
    expect([error === reason, rejectedAt]).toEqual([true, 150])
    expect(error).toMatchObject({ code: 'TIMEOUT', afterMs: 100, policy: 'timeout' })
    expect(events).toEqual([100, ['timed_out', 150]])
    expect(explain(error)?.policies[0]).toMatchObject({ state: 'timed out', afterMs: 100, graceMs: 50 })
    expect(clock.pending).toBe(0)
  })

  test('rejects with TIMEOUT at once if the operation fails in the grace, with that error as the cause', async () => {
    const { clock, s, events, after } = setUp()
    const own = new Error('rolled back')
    const call = outcomeOf(
      s.run(() =>
        after(120, () => {
          throw own
        }),
      ),
    )
    await clock.advance(120)
    expect(await call).toMatchObject({ code: 'TIMEOUT', cause: own })
    expect(events).toEqual([100, ['timed_out', 120]])
  })

  test('has no cause if the operation throws the reason of its signal', async () => {
    const { clock, s } = setUp()
    const call = outcomeOf(
      s.run(
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ),
    )
    await clock.advance(100)
    const error = (await call) as TimeoutError
    expect([error.code, error.cause]).toEqual(['TIMEOUT', undefined])
  })

  test('passes a value and an error in time through unchanged', async () => {
    const { clock, s, events, after } = setUp()
    const own = new Error('own')
    const value = s.run(() => after(99, () => 1))
    const error = outcomeOf(
      s.run(() =>
        after(99, () => {
          throw own
        }),
      ),
    )
    await clock.advance(99)
    expect([await value, await error]).toEqual([1, own])
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['in_time', 'in_time'])
    expect(clock.pending).toBe(0)
  })

  test('aborts a signal that the operation reads only in the grace', async () => {
    const { clock, s, after } = setUp()
    const call = s.run((call) => after(120, () => call.signal.aborted))
    await clock.advance(120)
    expect(await call).toBe(true)
  })

  test('aborts the signals of inner timeouts and retries', async () => {
    const { clock, s, after } = setUp(retry({ backoff: constant(0) }), circuitBreaker(), timeout(90))
    const aborted: unknown[] = []
    const call = s.run(({ signal, attempt }) => {
      signal.addEventListener('abort', () => aborted.push([attempt, clock.now()]))
      return attempt === 1 ? new Promise<never>(() => {}) : after(40, () => 'done')
    })
    await clock.advance(200)
    expect(await call).toBe('done')
    expect(aborted).toEqual([
      [1, 90],
      [2, 100],
    ])
  })

  test('starts nothing in the grace: no retry, no call from a queue', async () => {
    const limited = bulkhead({ limit: 1, queue: 1 })
    const { clock, s, after } = setUp(limited, retry({ maxRetries: 5, backoff: constant(0) }))
    let begun = 0
    const first = outcomeOf(
      s.run(() => {
        begun += 1
        return after(120, () => {
          throw new Error('late')
        })
      }),
    )
    const second = outcomeOf(s.run(() => (begun += 1)))
    await clock.advance(200)
    expect([await first, await second]).toMatchObject([{ code: 'TIMEOUT' }, { code: 'TIMEOUT' }])
    expect(begun).toBe(1)
    expect(s.status().policies[1]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('aborts the signals of scopes inside that do not watch it: those of hedges and of a probe', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: 10 })
    const { clock, s, after } = setUp(breaker, hedge({ after: 20 }))
    await outcomeOf(s.run(() => Promise.reject(new Error('down'))))
    await clock.advance(10)
    const aborted: unknown[] = []
    const call = s.run(({ signal, attempt }) => {
      signal.addEventListener('abort', () => aborted.push([attempt, clock.now(), signal.reason.code]))
      return after(120, () => 'partial')
    })
    await clock.advance(120)
    expect(await call).toBe('partial')
    expect(aborted).toEqual([
      [1, 110, 'TIMEOUT'],
      [2, 110, 'TIMEOUT'],
    ])
  })

  test('aborts the signal of a probe', async () => {
    const { clock, s, after } = setUp(circuitBreaker({ trip: consecutive(1), openFor: 10 }))
    await outcomeOf(s.run(() => Promise.reject(new Error('down'))))
    await clock.advance(10)
    let abortedAt = -1
    const call = s.run(({ signal }) => {
      signal.addEventListener('abort', () => {
        abortedAt = clock.now()
      })
      return after(120, () => 'partial')
    })
    await clock.advance(120)
    expect(await call).toBe('partial')
    expect(abortedAt).toBe(110)
  })

  test('goes on in the grace although a policy inside finds it overdue', async () => {
    const limited = bulkhead({ limit: 2, queue: 1 })
    const { clock, s, events, after } = setUp(hedge({ after: 10 }), limited)
    const other = shield({ name: 'other', clock }, limited)
    void other.run(() => after(110, () => 0))
    const attempts: unknown[] = []
    const call = s.run(({ attempt }) => {
      attempts.push(attempt)
      return after(120, () => 'done')
    })
    // At 110 the hedge gets its permit, too late.
    await clock.advance(120)
    expect([await call, attempts, events]).toEqual(['done', [1], [['in_grace', 120]]])
  })

  test('rejects at once with the reason of a caller that aborts in the grace', async () => {
    const { clock, s, events } = setUp()
    const controller = new AbortController()
    const mine = new Error('mine')
    const call = outcomeOf(s.run(() => new Promise(() => {}), { signal: controller.signal }))
    await clock.advance(120)
    controller.abort(mine)
    expect(await call).toBe(mine)
    expect(events).toEqual([['aborted', 120]])
    expect(clock.pending).toBe(0)
  })

  test('counts a value from the grace as a success of a breaker around it and inside it', async () => {
    for (const isInside of [true, false]) {
      const breaker = circuitBreaker({ trip: consecutive(1) })
      const clock = virtualClock()
      const cooperative = timeout(100, { mode: 'cooperative', grace: 50 })
      const s = shield({ name: 's', clock }, ...(isInside ? [cooperative, breaker] : [breaker, cooperative]))
      const call = s.run(() => new Promise((resolve) => clock.setTimer(() => resolve(1), 140)))
      await clock.advance(140)
      expect([await call, breaker.state]).toEqual([1, 'closed'])
    }
  })

  test('stops its grace while the reader of an iteration has an item', async () => {
    const { clock, s, after } = setUp()
    const items = s.iterate(async function* () {
      await after(110, () => 0)
      yield 1
      await after(30, () => 0)
      yield 2
      await after(30, () => 0)
    })
    const next = async (ms: number): Promise<unknown> => {
      const result = items.next().catch((error) => error.code)
      await clock.advance(ms)
      return await result
    }
    expect(await next(110)).toMatchObject({ value: 1 })
    await clock.advance('1h')
    expect(await next(30)).toMatchObject({ value: 2 })
    await clock.advance('1h')
    expect(await next(20)).toBe('TIMEOUT')
  })

  test('changes its mode and its grace with reconfigure', async () => {
    const { clock, s, after } = setUp()
    s.reconfigure({ timeout: { grace: 10 } })
    const short = outcomeOf(s.run(() => after(120, () => 1)))
    await clock.advance(120)
    expect(await short).toMatchObject({ code: 'TIMEOUT' })
    s.reconfigure({ timeout: { mode: 'aggressive', grace: undefined } })
    const aggressive = outcomeOf(s.run(() => after(105, () => 1)))
    await clock.advance(105)
    expect(await aggressive).toMatchObject({ code: 'TIMEOUT' })
  })

  test.each<[string, object, string]>([
    ['a grace without the mode', { grace: 5 }, "timeout.grace: only a timeout with mode: 'cooperative' has a grace"],
    ['another mode', { mode: 'polite' }, 'timeout.mode'],
    ['a negative grace', { mode: 'cooperative', grace: -1 }, 'timeout.grace'],
  ])('refuses %s', (_what, options, message) => {
    expect(() => timeout('1s', options)).toThrow(message)
  })

  test('gives a second unless told', () => {
    expect(timeout('1s', { mode: 'cooperative' }).settings).toEqual({ afterMs: 1_000, graceMs: 1_000 })
  })
})

test('settles on time, in the grace or at its end, whatever the operation does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ms: fc.integer({ min: 0, max: 200 }),
        fails: fc.boolean(),
        reads: fc.boolean(),
        listens: fc.boolean(),
        retries: fc.boolean(),
        grace: fc.integer({ min: 0, max: 80 }),
      }),
      async ({ ms, fails, reads, listens, retries, grace }) => {
        const clock = virtualClock()
        const limited = bulkhead({ limit: 1 })
        const cooperative = timeout(100, { mode: 'cooperative', grace })
        const s = shield(
          { name: 's', clock },
          limited,
          cooperative,
          ...((retries ? [retry({ maxRetries: 0 })] : []) as []),
        )
        let endedAt = -1
        const call = s
          .run(
            ({ signal }) =>
              new Promise((resolve, reject) => {
                const end = (): void => (fails ? reject(new Error('own')) : resolve('own'))
                clock.setTimer(end, ms)
                if (reads) expect(signal.aborted).toBe(false)
                if (listens) signal.addEventListener('abort', end)
              }),
          )
          .then(
            (value) => value,
            (error) => error.code ?? error.message,
          )
          .finally(() => {
            endedAt = clock.now()
          })
        await clock.advance(400)
        const settlesAt = listens ? Math.min(ms, 100) : ms
        // At the same instant, the timer that was set first fires first: that of the timeout.
        if (ms < 100) expect([await call, endedAt]).toEqual(['own', ms])
        else if (settlesAt < 100 + grace) {
          expect([await call, endedAt]).toEqual([fails ? 'TIMEOUT' : 'own', settlesAt])
        } else {
          expect(endedAt).toBeLessThanOrEqual(100 + grace)
          expect(['TIMEOUT', 'own']).toContain(await call)
        }
        expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
      },
    ),
    { numRuns: 500 },
  )
})
