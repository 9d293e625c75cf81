import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  exponential,
  fallback,
  type RetryOptions,
  retry,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

// What broken or malicious operations, signals and listeners can do. Most tests use all five recommended policies.

function fivePolicies() {
  const clock = virtualClock()
  const s = shield(
    { name: 'five', clock },
    fallback('fallback', { when: () => false }),
    timeout('30s'),
    retry({ maxRetries: 1, backoff: constant(1) }),
    circuitBreaker({ trip: consecutive(1_000) }),
    bulkhead({ limit: 10, queue: 10 }),
    timeout('10s'),
  )
  const expectIdle = (): void => {
    expect(s.status().policies[4]).toMatchObject({ inUse: 0, queued: 0 })
    expect(clock.pending).toBe(0)
  }
  return { clock, s, expectIdle }
}

/** Runs an operation for at most an hour. Returns the value or the error of the call. */
async function outcomeOf(operation: () => unknown): Promise<{ value?: unknown; error?: unknown }> {
  const { clock, s, expectIdle } = fivePolicies()
  const outcome = s.run(operation).then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
  await clock.advance('1h')
  expectIdle()
  return await outcome
}

const boom = new Error('boom')
const frozen = Object.freeze({ frozen: true })

describe('an operation that', () => {
  test.each<[string, () => unknown, unknown]>([
    [
      'throws synchronously',
      () => {
        throw boom
      },
      boom,
    ],
    [
      'throws undefined',
      () => {
        throw undefined
      },
      undefined,
    ],
    ['rejects with undefined', () => Promise.reject(undefined), undefined],
    [
      'throws a frozen object',
      () => {
        throw frozen
      },
      frozen,
    ],
    ['rejects with a string', () => Promise.reject('text'), 'text'],
    ['rejects with null', () => Promise.reject(null), null],
    [
      'returns a thenable whose then throws',
      () => ({
        then() {
          throw boom
        },
      }),
      boom,
    ],
    [
      'returns a thenable whose then cannot be read',
      () => ({
        get then() {
          throw boom
        },
      }),
      boom,
    ],
    [
      'returns a thenable that rejects, resolves and throws',
      () => ({
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          reject(boom)
          resolve('too late')
          throw new Error('too late as well')
        },
      }),
      boom,
    ],
    [
      'returns a promise whose constructor throws',
      () =>
        Object.defineProperty(Promise.resolve(1), 'constructor', {
          get() {
            throw boom
          },
        }),
      boom,
    ],
  ])('%s: rejects with exactly that error', async (_what, operation, error) => {
    const outcome = await outcomeOf(operation)
    expect('error' in outcome).toBe(true)
    expect(outcome.error).toBe(error)
  })

  test.each<[string, () => unknown]>([
    [
      'returns a thenable that resolves twice',
      () => ({
        then(resolve: (value: unknown) => void) {
          resolve('value')
          resolve('another')
        },
      }),
    ],
    [
      'returns a thenable that resolves with a thenable',
      () => ({
        then: (resolve: (value: unknown) => void) => resolve(Promise.resolve('value')),
      }),
    ],
    [
      'returns a thenable that calls back later, and rejects after that',
      () => ({
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          queueMicrotask(() => {
            resolve('value')
            reject(boom)
          })
        },
      }),
    ],
  ])('%s: fulfils once', async (_what, operation) => {
    expect(await outcomeOf(operation)).toEqual({ value: 'value' })
  })

  test('never settles is cancelled by its timeouts, attempt by attempt', async () => {
    const { clock, s } = fivePolicies()
    const outcome = s.run(() => new Promise(() => {})).catch((error) => [error.code, error.policy])
    await clock.advance('1h')
    expect(await outcome).toEqual(['TIMEOUT', 'timeout-2'])
    expect(s.status().policies[4]).toMatchObject({ inUse: 0 })
    expect(clock.pending).toBe(0)
  })

  test('returns a thenable that never calls back is cancelled too', async () => {
    expect(await outcomeOf(() => ({ then() {} }))).toMatchObject({ error: { code: 'TIMEOUT' } })
  })

  test('rejects after its timeout causes no unhandled rejection and is not counted again', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { clock, s } = fivePolicies()
    const rejections: ((error: unknown) => void)[] = []
    const outcome = s.run(() => new Promise((_, reject) => rejections.push(reject))).catch(() => 'failed')
    await clock.advance('1h')
    await outcome
    const before = JSON.stringify(s.status())
    for (const reject of rejections) reject(boom)
    await clock.advance(1)
    process.off('unhandledRejection', unhandled)
    expect(rejections.length).toBe(2)
    expect(unhandled).not.toHaveBeenCalled()
    expect(JSON.stringify(s.status())).toBe(before)
  })

  test('calls its own shield again runs nested, and every permit is released', async () => {
    const { s, expectIdle } = fivePolicies()
    const depth = async (left: number): Promise<number> =>
      left === 0 ? 0 : 1 + ((await s.run(() => depth(left - 1))) as number)
    expect(await s.run(() => depth(8))).toBe(8)
    expectIdle()
  })

  test('throws in an abort listener of its signal changes no permit and no outcome', async () => {
    const uncaught = vi.fn()
    process.prependOnceListener('uncaughtException', uncaught)
    const others = process.listeners('uncaughtException').filter((listener) => listener !== uncaught)
    for (const listener of others) process.off('uncaughtException', listener)
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1 }), timeout('1s'))
    const outcome = s
      .run(({ signal }) => {
        signal.addEventListener('abort', () => {
          throw boom
        })
        return new Promise(() => {})
      })
      .catch((error) => error.code)
    await clock.advance('1s')
    for (const listener of others) process.on('uncaughtException', listener)
    process.off('uncaughtException', uncaught)
    expect(await outcome).toBe('TIMEOUT')
    expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
  })
})

test('an abort and a success in the same tick have one outcome and release all permits', async () => {
  for (const first of ['abort', 'success'] as const) {
    for (let microtasks = 0; microtasks < 30; microtasks += 1) {
      const { clock, s, expectIdle } = fivePolicies()
      const controller = new AbortController()
      const outcomes: unknown[] = []
      let succeed: (value: string) => void = () => {}
      const call = s
        .run(() => new Promise<string>((resolve) => (succeed = resolve)), { signal: controller.signal })
        .then(
          (value) => outcomes.push(value),
          (error) => outcomes.push(error),
        )
      const steps = [() => controller.abort('gone'), () => succeed('value')]
      if (first === 'success') steps.reverse()
      steps[0]?.()
      for (let n = 0; n < microtasks; n += 1) await undefined
      steps[1]?.()
      await call
      await clock.advance(0)
      expect(outcomes.length).toBe(1)
      expect(outcomes[0]).toBe(first === 'abort' || microtasks === 0 || outcomes[0] === 'gone' ? 'gone' : 'value')
      expectIdle()
    }
  }
})

test('an invalid signal or null options reject without calling the operation', async () => {
  const { s } = fivePolicies()
  const operation = vi.fn()
  await expect(s.run(operation, { signal: {} as never })).rejects.toThrow(TypeError)
  await expect(s.run(operation, null as never)).rejects.toThrow()
  expect(operation).not.toHaveBeenCalled()
})

test('a listener that hangs, throws or rejects on any event changes no outcome', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { clock, s, expectIdle } = fivePolicies()
  for (const event of ['stateChange', 'retry', 'timeout', 'rejected', 'fallback', 'late'] as const) {
    s.on(event, () => new Promise(() => {}))
    s.on(event, () => Promise.reject(boom))
    s.on(event, () => {
      throw boom
    })
  }
  const failed = s.run(() => Promise.reject(boom)).catch((error) => error)
  await clock.advance('1s')
  expect(await failed).toBe(boom)
  const hanging = s.run(() => new Promise(() => {})).catch((error) => error.code)
  await clock.advance('1h')
  expect(await hanging).toBe('TIMEOUT')
  expectIdle()
  warnings.mockRestore()
})

test('a broken random source makes no retry hang or repeat forever', async () => {
  for (const random of [Number.NaN, -5, 2]) {
    const clock = virtualClock()
    const s = shield({ name: 's', clock, random: () => random }, retry({ maxRetries: 2 }))
    const call = s.run(() => Promise.reject(boom)).catch((error) => error)
    await clock.advance('24h')
    const outcome = await Promise.race([call, Promise.resolve('hangs')])
    expect([random, outcome]).toEqual([random, boom])
  }
})

test('a retry that would wait without an end fails its call', async () => {
  const waits: [RetryOptions, () => number][] = [
    [{ backoff: { delayMs: () => Number.POSITIVE_INFINITY } }, Math.random],
    [{ backoff: exponential() }, () => Number.POSITIVE_INFINITY],
  ]
  for (const [options, random] of waits) {
    const clock = virtualClock()
    const s = shield({ name: 's', clock, random }, retry(options))
    const outcome = s.run(() => Promise.reject(boom)).catch((error) => error)
    await clock.advance('24h')
    expect(await Promise.race([outcome, 'hangs'])).toMatchObject({ code: 'INVALID_OPTION', cause: boom })
    expect(clock.pending).toBe(0)
  }
})
