// Each difference that docs/migrate/cockatiel.md states.
import * as cockatiel from 'cockatiel'
import { handleAll } from 'cockatiel'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  failureRate,
  fallback,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const down = (): Promise<never> => Promise.reject(new Error('down'))
const ignore = (): void => {}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function theirBreaker(policy = handleAll): cockatiel.CircuitBreakerPolicy {
  return cockatiel.circuitBreaker(policy, { breaker: new cockatiel.ConsecutiveBreaker(1), halfOpenAfter: 10_000 })
}

type Run = (operation: () => unknown) => Promise<unknown>

/** Runs operations in either library. */
function runner(policy: cockatiel.IPolicy | Shield): Run {
  return 'run' in policy ? (operation) => policy.run(operation) : (operation) => policy.execute(operation)
}

describe('refusals and aborts', () => {
  test('cockatiel retries an open circuit; escudo does not', async () => {
    const theirs = cockatiel.retry(handleAll, { maxAttempts: 3 })
    const breaker = theirBreaker()
    const [theirRetries, ourRetries] = [vi.fn(), vi.fn()]
    theirs.onRetry(theirRetries)
    await breaker.execute(down).catch(ignore)
    const call = cockatiel.wrap(theirs, breaker).execute(down).catch(ignore)
    await vi.advanceTimersByTimeAsync(100)
    await call
    const ourBreaker = circuitBreaker({ trip: consecutive(1) })
    await shield('open it', ourBreaker).run(down).catch(ignore)
    const ours = shield('s', retry({ maxRetries: 3 }), ourBreaker)
    ours.on('retry', ourRetries)
    await ours.run(down).catch(ignore)
    expect(theirRetries).toHaveBeenCalledTimes(3)
    expect(ourRetries).not.toHaveBeenCalled()
  })

  test('a full bulkhead opens a breaker of cockatiel around it, and none of escudo', async () => {
    const theirs = theirBreaker()
    const wrapped = cockatiel.wrap(theirs, cockatiel.bulkhead(1))
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const ours = shield('s', breaker, bulkhead({ limit: 1 }))
    void wrapped.execute(() => new Promise(ignore))
    void ours.run(() => new Promise(ignore))
    await wrapped.execute(() => 1).catch(ignore)
    await ours.run(() => 1).catch(ignore)
    expect(cockatiel.CircuitState[theirs.state]).toBe('Open')
    expect(breaker.state).toBe('closed')
  })

  test('an abort during a delay: cockatiel sleeps and calls once more; escudo rejects at once', async () => {
    const theirController = new AbortController()
    const [theirs, ours] = [vi.fn(down), vi.fn(down)]
    const ended = vi.fn()
    const policy = cockatiel.retry(handleAll, { maxAttempts: 5, backoff: new cockatiel.ConstantBackoff(1_000) })
    policy.execute(theirs, theirController.signal).catch(ended)
    await vi.advanceTimersByTimeAsync(1)
    theirController.abort()
    await vi.advanceTimersByTimeAsync(500)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ended).toHaveBeenCalledOnce()
    expect(theirs).toHaveBeenCalledTimes(2)

    const controller = new AbortController()
    const inventory = shield('s', retry({ maxRetries: 5, backoff: constant('1s') }))
    const call = inventory.run(ours, { signal: controller.signal }).catch((reason) => reason)
    await vi.advanceTimersByTimeAsync(1)
    controller.abort('left')
    expect(await call).toBe('left')
    expect(ours).toHaveBeenCalledOnce()
  })

  test('cockatiel reports the abort of the caller as a timeout; escudo keeps its reason', async () => {
    const onTimeout = vi.fn()
    const theirs = cockatiel.timeout(1_000, cockatiel.TimeoutStrategy.Aggressive)
    theirs.onTimeout(onTimeout)
    const controller = new AbortController()
    const hangs = (): Promise<never> => new Promise(ignore)
    const theirCall = theirs.execute(hangs, controller.signal).catch(cockatiel.isTaskCancelledError)
    const ourCall = shield('s', timeout('1s'))
      .run(hangs, { signal: controller.signal })
      .catch((reason) => reason)
    controller.abort('left')
    expect(await theirCall).toBe(true)
    expect(onTimeout).toHaveBeenCalled()
    expect(await ourCall).toBe('left')
  })

  test('a fallback of cockatiel replaces the abort of the caller; that of escudo does not', async () => {
    const aborted = (run: (operation: typeof fails, signal: AbortSignal) => Promise<unknown>): Promise<unknown> => {
      const controller = new AbortController()
      setTimeout(() => controller.abort('left'), 1)
      return run(fails, controller.signal).catch((reason) => reason)
    }
    const fails = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
      await vi.advanceTimersByTimeAsync(1)
      signal.throwIfAborted()
    }
    const theirs = cockatiel.fallback(handleAll, 'substitute')
    const ours = shield('s', fallback('substitute'))
    expect(await aborted((operation, signal) => theirs.execute(operation, signal))).toBe('substitute')
    expect(await aborted((operation, signal) => ours.run(operation, { signal }))).toBe('left')
  })
})

test('the first attempt is 0 in cockatiel and 1 in escudo, and maxAttempts has no limit', async () => {
  const theirs = cockatiel.retry(handleAll, {})
  const attempts: number[] = []
  const call = theirs.execute(({ attempt }) => {
    attempts.push(attempt)
    if (attempt < 20) throw new Error('down')
  })
  await vi.advanceTimersByTimeAsync(1_000)
  await call
  expect([attempts[0], attempts.length]).toEqual([0, 21])
  const ours = vi.fn(({ attempt }: { attempt: number }) => Promise.reject(new Error(`${attempt}`)))
  const failed = shield('s', retry())
    .run(ours)
    .catch((error) => error.message)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await failed).toBe('3')
})

describe('circuit breaker', () => {
  test('the state of cockatiel is open until the next call; that of escudo becomes half-open', async () => {
    const theirs = theirBreaker()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    await theirs.execute(down).catch(ignore)
    await shield('s', breaker).run(down).catch(ignore)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(cockatiel.CircuitState[theirs.state]).toBe('Open')
    expect(breaker.state).toBe('half-open')
  })

  test('calls beyond the probes wait in cockatiel, and are rejected in escudo', async () => {
    const theirs = theirBreaker()
    const ours = shield('s', circuitBreaker({ trip: consecutive(1), openFor: '10s' }))
    await theirs.execute(down).catch(ignore)
    await ours.run(down).catch(ignore)
    await vi.advanceTimersByTimeAsync(10_000)
    const slow = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 1_000, 'stock'))
    const [waits, rejected] = [vi.fn(), vi.fn()]
    void theirs.execute(slow)
    void theirs.execute(() => 'next').then(waits)
    void ours.run(slow)
    ours.run(() => 'next').catch(rejected)
    await vi.advanceTimersByTimeAsync(500)
    expect(waits).not.toHaveBeenCalled()
    expect(rejected.mock.calls[0]?.[0]).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: expect.any(Number) })
    await vi.advanceTimersByTimeAsync(500)
    expect(waits).toHaveBeenCalledWith('next')
  })

  test('an error that is not handled closes a half-open circuit of cockatiel, and none of escudo', async () => {
    const theirs = theirBreaker(cockatiel.handleWhen((error) => error !== 'answer'))
    const breaker = circuitBreaker({
      trip: consecutive(1),
      openFor: '10s',
      classify: (outcome) => (outcome.ok ? 'success' : outcome.error === 'answer' ? 'ignored' : 'failure'),
    })
    const ours = shield('s', breaker)
    await theirs.execute(down).catch(ignore)
    await ours.run(down).catch(ignore)
    await vi.advanceTimersByTimeAsync(10_000)
    await theirs.execute(() => Promise.reject('answer')).catch(ignore)
    await ours.run(() => Promise.reject('answer')).catch(ignore)
    expect(cockatiel.CircuitState[theirs.state]).toBe('Closed')
    expect(breaker.state).toBe('half-open')
  })

  test('a late failure opens a half-open circuit of cockatiel; escudo reports it as late', async () => {
    const theirs = theirBreaker()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const ours = shield('s', breaker)
    const late = vi.fn()
    ours.on('late', late)
    const failsLate = (): Promise<never> => new Promise((_, reject) => setTimeout(reject, 11_000, new Error('late')))
    const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5_000))
    for (const run of [runner(theirs), runner(ours)]) {
      void run(failsLate).catch(ignore)
      await run(down).catch(ignore)
    }
    await vi.advanceTimersByTimeAsync(10_000)
    void theirs.execute(slow)
    void ours.run(slow)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(cockatiel.CircuitState[theirs.state]).toBe('Open')
    expect([breaker.state, late.mock.calls.length]).toEqual(['half-open', 1])
  })

  test('cockatiel opens above its threshold, escudo at it', async () => {
    const theirs = cockatiel.circuitBreaker(handleAll, {
      breaker: new cockatiel.CountBreaker({ threshold: 0.5, size: 4 }),
      halfOpenAfter: 10_000,
    })
    const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 }) })
    for (const run of [runner(theirs), runner(shield('s', breaker))]) {
      for (const fails of [false, false, true, true]) await run(() => (fails ? down() : 1)).catch(ignore)
    }
    expect(cockatiel.CircuitState[theirs.state]).toBe('Closed')
    expect(breaker.state).toBe('open')
  })

  test('after a pause, the window of cockatiel counts what was before; that of escudo does not', async () => {
    const theirs = cockatiel.circuitBreaker(handleAll, {
      breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 0.5 }),
      halfOpenAfter: 10_000,
    })
    const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, window: '10s', minimumCalls: 5 }) })
    const runs = [runner(theirs), runner(shield('s', breaker))]
    for (const run of runs) for (let call = 0; call < 100; call += 1) await run(() => 1)
    await vi.advanceTimersByTimeAsync(3_600_000)
    for (const run of runs) for (let call = 0; call < 10; call += 1) await run(down).catch(ignore)
    expect(cockatiel.CircuitState[theirs.state]).toBe('Closed')
    expect(breaker.state).toBe('open')
  })

  test('a clock that is set back prolongs the open period of cockatiel only', async () => {
    const theirs = theirBreaker()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    await theirs.execute(down).catch(ignore)
    await shield('s', breaker).run(down).catch(ignore)
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await theirs.execute(() => 1).catch(cockatiel.isBrokenCircuitError)).toBe(true)
    expect(breaker.state).toBe('half-open')
  })
})

describe('bulkhead', () => {
  test('a new call overtakes the queue of cockatiel, and not that of escudo', async () => {
    const theirs = cockatiel.bulkhead(1, 1)
    const ours = shield('s', bulkhead({ limit: 1, queue: 1 }))
    const orders = await Promise.all(
      [runner(theirs), runner(ours)].map(async (run) => {
        const order: string[] = []
        const { promise, resolve } = Promise.withResolvers<void>()
        const calls = [run(() => promise), run(() => void order.push('queued'))]
        const last = promise.then(() => run(() => void order.push('new')))
        resolve()
        await Promise.allSettled([...calls, last])
        return order
      }),
    )
    expect(orders[0]).toEqual(['new', 'queued'])
    expect(orders[1]?.[0]).toBe('queued')
  })

  test('an aborted call stays in the queue of cockatiel, and leaves that of escudo', async () => {
    const theirs = cockatiel.bulkhead(1, 1)
    const ours = shield('s', bulkhead({ limit: 1, queue: 1 }))
    const controller = new AbortController()
    const hangs = (): Promise<never> => new Promise(ignore)
    void theirs.execute(hangs)
    void ours.run(hangs)
    void theirs.execute(hangs, controller.signal).catch(ignore)
    void ours.run(hangs, { signal: controller.signal }).catch(ignore)
    controller.abort()
    await vi.advanceTimersByTimeAsync(1)
    expect(theirs.queueSlots).toBe(0)
    expect(ours.status().policies[0]).toMatchObject({ queued: 0 })
  })
})
