import { setImmediate as macrotask } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  attemptsOf,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  hedge,
  isRefusal,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../index.ts'
import { lateClock, shielded, waiting } from './late-clock.ts'

vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

// Nothing begins after its time, however long the event loop was blocked. A late timer changes no outcome: a call ends as
// if the timer that was due first had fired on time.

const never = (): Promise<never> => new Promise(() => {})
/** The later timers first: the wait ends before the timer that should have ended it. */
const lastFirst = (count: number): number => count - 1
const codeOf = (error: unknown): unknown => (error as { code?: string }).code ?? (error as Error).message

describe('a call whose wait ends late', () => {
  const waits: [string, () => AnyPolicy[], number][] = [
    ['a retry', () => [retry({ maxRetries: 3, backoff: constant(50) })], 1],
    ['a rate limiter', () => [rateLimiter({ limit: 1, per: 50, maxWait: '1h' })], 0],
    ['a custom policy', () => [waiting(50)], 0],
    ['a retry inside a custom policy', () => [waiting(0), retry({ maxRetries: 3, backoff: constant(50) })], 1],
    ['a custom policy inside a retry', () => [retry({ maxRetries: 3, backoff: constant(0) }), waiting(50)], 0],
  ]

  /** Blocks the event loop for 200 ms during the wait. Returns the number of operations, the error and the shield. */
  async function afterBlock(policies: AnyPolicy[], deadline?: number) {
    const clock = lateClock()
    const s = shielded(clock, ...policies)
    let started = 0
    const operation = (): Promise<never> => {
      started += 1
      return Promise.reject(new Error('down'))
    }
    // Takes the only permit of the rate limiter.
    const first = s.run(() => 1).catch(() => {})
    if (policies.some(({ type }) => type === 'rateLimiter')) await first
    const outcome = s.run(operation, { ...(deadline === undefined ? {} : { deadline }) }).catch((error) => error)
    await clock.fireDue()
    clock.block(200)
    await clock.fireDue(lastFirst)
    return { started, error: await outcome, s }
  }

  test.each(waits)('of %s does not begin after a timeout around it', async (_what, policies, before) => {
    const { started, error, s } = await afterBlock([timeout(100), ...policies()])
    expect([started, codeOf(error)]).toEqual([before, 'TIMEOUT'])
    expect(s.status().policies[0]?.['timeouts']).toBeGreaterThan(0)
    expect(explain(error)?.policies[0]).toMatchObject({ state: 'timed out', afterMs: 100 })
  })

  test.each(waits)('of %s does not begin after the deadline', async (_what, policies, before) => {
    const { started, error } = await afterBlock(policies(), 100)
    expect([started, codeOf(error), error.policy]).toEqual([before, 'DEADLINE_EXCEEDED', 'deadline'])
  })

  test.each(waits)('of %s ends with what was due first', async (_what, policies) => {
    expect((await afterBlock([timeout(120), ...policies()], 110)).error).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect((await afterBlock([timeout(110), ...policies()], 120)).error).toMatchObject({ code: 'TIMEOUT' })
    const inner = await afterBlock([timeout(130, { name: 'total' }), timeout(90, { name: 'attempt' }), ...policies()])
    expect(inner.error).toMatchObject({ code: 'TIMEOUT', policy: 'attempt', afterMs: 90 })
  })

  test('of a bulkhead does not begin after a timeout, a deadline or maxWait, and passes its permit on', async () => {
    for (const [timeoutMs, deadline, maxWait, code] of [
      [100, 150, 160, 'TIMEOUT'],
      [150, 100, 160, 'DEADLINE_EXCEEDED'],
      [150, 160, 100, 'BULKHEAD_FULL'],
    ] as const) {
      const clock = lateClock()
      const permits = bulkhead({ limit: 1, queue: 5, maxWait })
      const s = shielded(clock, timeout(timeoutMs), permits)
      let end = (): void => {}
      const holder = shield({ name: 'other', clock }, permits).run(
        () => new Promise<void>((resolve) => (end = resolve)),
      )
      let started = 0
      const late = s.run(() => (started += 1), { deadline }).catch(codeOf)
      clock.block(200)
      const inTime = s.run(() => 'in time').catch(codeOf)
      end()
      await holder
      expect([await late, await inTime, started]).toEqual([code, 'in time', 0])
      await clock.fireDue(lastFirst)
      expect(permits.status?.(0)).toMatchObject({ inUse: 0, queued: 0 })
      expect(clock.pending).toBe(0)
    }
  })

  test('of a bulkhead ends with the timeout that was due first, even if the timer of maxWait fires before', async () => {
    const clock = lateClock()
    const s = shielded(clock, timeout(100), bulkhead({ limit: 1, queue: 1, maxWait: 150 }))
    void s.run(never).catch(() => {})
    const late = s.run(() => 1).catch(codeOf)
    clock.block(200)
    await clock.fireDue(lastFirst)
    expect(await late).toBe('TIMEOUT')
  })

  test('of a rate limiter does not begin after maxWait, and uses no permit', async () => {
    const clock = lateClock()
    const limiter = rateLimiter({ limit: 1, per: 50, maxWait: 60 })
    const s = shielded(clock, limiter)
    await s.run(() => 1)
    const late = s.run(() => 2).catch(codeOf)
    clock.block(61)
    await clock.fireDue()
    expect([await late, limiter.status?.(clock.now())]).toMatchObject(['RATE_LIMITED', { available: 1, queued: 0 }])
  })

  test('of a retry does not begin after maxTotal: the last error is thrown', async () => {
    const clock = lateClock()
    const s = shielded(clock, retry({ maxRetries: 5, backoff: constant(50), maxTotal: 100 }))
    const errors: Error[] = []
    const outcome = s.run(() => Promise.reject(errors[errors.push(new Error('down')) - 1])).catch((error) => error)
    await clock.fireDue()
    clock.block(50)
    await clock.fireDue()
    clock.block(60)
    await clock.fireDue()
    const error = await outcome
    expect([errors.length, error === errors[1], attemptsOf(error).length]).toEqual([2, true, 2])
    expect(explain(error)?.policies[0]).toMatchObject({ state: 'past maxTotal' })
    expect(s.status().policies[0]).toMatchObject({ calls: 1, exhausted: 1 })
  })

  test('of a retry does not begin after maxTotal: the last value is returned, with its body', async () => {
    const clock = lateClock()
    const s = shield(
      { name: 's', clock },
      retry<Response>({ classify: () => 'failure', backoff: constant(50), maxTotal: 100 }),
    )
    let calls = 0
    const outcome = s.run(async () => {
      calls += 1
      return new Response(`answer ${calls}`)
    })
    await clock.fireDue()
    clock.block(101)
    await clock.fireDue()
    expect([await (await outcome).text(), calls]).toEqual(['answer 1', 1])
  })

  test('of a hedge does not begin: the timeout expires, and no hedge is counted', async () => {
    const clock = lateClock()
    const s = shielded(clock, timeout(100), hedge({ after: 50 }))
    let started = 0
    const outcome = s
      .run(() => {
        started += 1
        return never()
      })
      .catch(codeOf)
    clock.block(200)
    await clock.fireDue(lastFirst)
    expect([await outcome, started, s.status().policies[1]]).toMatchObject(['TIMEOUT', 1, { hedges: 0 }])
  })

  test('of a bulkhead inside a hedge does not begin after a timeout around the hedge', async () => {
    const clock = lateClock()
    const permits = bulkhead({ limit: 1, queue: 1 })
    let end = (): void => {}
    const holder = shield({ name: 'other', clock }, permits).run(() => new Promise<void>((resolve) => (end = resolve)))
    let started = 0
    const s = shielded(clock, timeout(100), hedge({ after: '1h' }), permits)
    const outcome = s.run(() => (started += 1)).catch(codeOf)
    clock.block(200)
    end()
    await holder
    expect([await outcome, started]).toEqual(['TIMEOUT', 0])
    expect(permits.status?.(0)).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('gets no substitute from a fallback, and counts as a failure of the breaker that it is in', async () => {
    const clock = lateClock()
    const breaker = circuitBreaker({ trip: consecutive(2) })
    const substitute = (): string => 'substitute'
    const s = shielded(clock, timeout(100), fallback(substitute), breaker, waiting(50))
    const outcome = s.run(() => 1).catch(codeOf)
    clock.block(200)
    await clock.fireDue(lastFirst)
    expect([await outcome, breaker.status?.(200)]).toMatchObject(['TIMEOUT', { failures: 1 }])
  })

  test('begins if a custom policy goes on after its call has ended, and aborts no signal', async () => {
    const clock = lateClock()
    let later: Promise<unknown> | undefined
    const background = definePolicy({
      name: 'background',
      wrap: (next) => (call, operation) => {
        later = new Promise<void>((resolve) => call.clock.setTimer(resolve, 200)).then(() => next(call, operation))
        return Promise.resolve('at once' as never)
      },
    })
    const s = shielded(clock, timeout(100), background)
    let signal: AbortSignal | undefined
    await s.run(
      (call) => {
        ;({ signal } = call)
      },
      { deadline: 100 },
    )
    clock.block(200)
    await clock.fireDue()
    await later
    expect(signal?.aborted).toBe(false)
  })
})

describe('with the timers of the runtime and a blocked event loop', () => {
  const block = (ms: number): void => {
    const untilMs = performance.now() + ms
    while (performance.now() < untilMs);
  }

  test.each<[string, AnyPolicy[], { deadline?: number }, string]>([
    ['maxTotal', [retry({ maxRetries: 1, backoff: constant(10), maxTotal: 25 })], {}, 'down'],
    ['a deadline', [retry({ maxRetries: 1, backoff: constant(10) })], { deadline: 25 }, 'DEADLINE_EXCEEDED'],
    ['a timeout', [timeout(25), retry({ maxRetries: 1, backoff: constant(10) })], {}, 'TIMEOUT'],
    ['a timeout around a custom policy', [timeout(25), waiting(10)], {}, 'TIMEOUT'],
  ])('nothing begins after %s', async (_what, policies, options, code) => {
    const s = shield('s', ...(policies as never[])) as unknown as Shield
    const startedMs = performance.now()
    const begun: number[] = []
    const outcome = s
      .run(() => {
        begun.push(performance.now() - startedMs)
        throw new Error('down')
      }, options)
      .catch(codeOf)
    await macrotask()
    block(50)
    expect(await outcome).toBe(code)
    expect(begun.filter((ms) => ms > 25)).toEqual([])
  })
})

test('a late call that no policy has started is no refusal', async () => {
  const clock = lateClock()
  const s = shielded(clock, timeout(100), waiting(50))
  const outcome = s.run(() => 1).catch((error) => error)
  clock.block(200)
  await clock.fireDue(lastFirst)
  expect(isRefusal(await outcome)).toBe(false)
})
