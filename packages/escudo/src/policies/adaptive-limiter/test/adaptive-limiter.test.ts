import { getEventListeners } from 'node:events'
import { types } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { CancelScope } from '../../../core/engine/cancel-scope.ts'
import { defineErrors } from '../../../errors/index.ts'
import { UpstreamError } from '../../../http/upstream-error.ts'
import type { ConcurrencyLimit } from '../../../index.ts'
import {
  type AdaptiveLimiterOptions,
  adaptiveLimiter,
  aimd,
  BulkheadFullError,
  ConfigurationError,
  circuitBreaker,
  consecutive,
  constant,
  gradient2,
  isRefusal,
  retry,
  shield,
  timeout,
  vegas,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/index.ts'

type Told = Parameters<ConcurrencyLimit['onSample']>

/** A limit that stays where the test puts it, and writes down what it is told. */
function recorded(limit = 2) {
  const told: Told[] = []
  const state = { limit }
  const algorithm = {
    create: (): ConcurrencyLimit => ({ limit: () => state.limit, onSample: (...sample) => told.push(sample) }),
  }
  return { told, state, algorithm }
}

function setUp(options: AdaptiveLimiterOptions = {}, ...outside: Parameters<typeof shield>[1][]) {
  const clock = virtualClock()
  const limit = recorded()
  const s = shield(
    { name: 's', clock },
    ...(outside as []),
    adaptiveLimiter({ algorithm: limit.algorithm, ...options }),
  )
  const status = (): unknown => {
    const { limit, inFlight } = s.status().policies.at(-1) as unknown as { limit: number; inFlight: number }
    return { limit, inFlight }
  }
  return { clock, s, status, ...limit }
}

const never = (): Promise<never> => new Promise(() => {})
const Errors = defineErrors({
  NOT_FOUND: { status: 404, message: 'not found' },
  BUSY: { status: 503, message: 'busy' },
})
const upstream = (code: 'UPSTREAM_ERROR' | 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_TIMEOUT', verdict?: 'success') =>
  new UpstreamError(
    code,
    'status',
    { service: 'x', method: 'GET', origin: 'http://x', template: undefined },
    { facts: verdict === undefined ? {} : { verdict } },
  )

describe('adaptiveLimiter', () => {
  test('lets the limit through, refuses the rest at once, and follows the limit', async () => {
    const { clock, s, status, state } = setUp()
    const rejected = vi.fn()
    s.on('rejected', rejected)
    const ends: (() => void)[] = []
    const call = (): Promise<unknown> => s.run(() => new Promise<void>((resolve) => ends.push(resolve)))
    const first = [call(), call()]
    const error = (await call().catch((reason) => reason)) as BulkheadFullError
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect([error.code, isRefusal(error), types.isNativeError(error)]).toEqual(['BULKHEAD_FULL', true, true])
    expect(error.message).toBe("'s' is full: 2 in flight, the limit is 2 (adaptiveLimiter)")
    expect(error.stack?.includes('adaptive-limiter.ts')).toBe(false)
    expect(rejected.mock.calls).toEqual([
      [{ shield: 's', policy: 'adaptiveLimiter', code: 'BULKHEAD_FULL', retryAfterMs: undefined }],
    ])
    expect(status()).toEqual({ limit: 2, inFlight: 2 })
    state.limit = 3
    first.push(call())
    state.limit = 1
    expect(status()).toEqual({ limit: 1, inFlight: 3 })
    // Nobody is thrown out, and nobody comes in until there is less in flight than the limit.
    for (const end of ends.slice(0, 2)) end()
    await clock.advance(0)
    expect(await call().catch((reason) => reason.code)).toBe('BULKHEAD_FULL')
    ends[2]?.()
    await Promise.all(first)
    expect(await s.run(() => 42)).toBe(42)
    expect(status()).toEqual({ limit: 1, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })

  test('calls the operation synchronously, and makes a rejection of a synchronous throw, of undefined too', async () => {
    const { s, status } = setUp()
    let called = false
    const call = s.run(() => {
      called = true
    })
    expect(called).toBe(true)
    await call
    for (const thrown of [new Error('boom'), undefined]) {
      await expect(
        s.run(() => {
          throw thrown
        }),
      ).rejects.toBe(thrown)
    }
    expect(await s.run(() => ({ then: (resolve: (value: number) => void) => resolve(7) }) as PromiseLike<number>)).toBe(
      7,
    )
    expect(status()).toEqual({ limit: 2, inFlight: 0 })
  })

  test('a value is a sample: how long it took, how many were in flight when it began, when it ended', async () => {
    const { clock, s, told } = setUp()
    await clock.advance(1_000)
    const ends: (() => void)[] = []
    const call = (): Promise<unknown> => s.run(() => new Promise<void>((resolve) => ends.push(resolve)))
    const calls = [call()]
    await clock.advance(30)
    calls.push(call())
    await clock.advance(20)
    ends[1]?.()
    await clock.advance(5)
    ends[0]?.()
    await Promise.all(calls)
    expect(told).toEqual([
      [20, 2, false, 1_050],
      [55, 1, false, 1_055],
    ])
  })

  test.each([
    ['an answer 503 or 429', upstream('UPSTREAM_UNAVAILABLE'), [[50, 1, true, 50]]],
    ['no answer in time, as the client says', upstream('UPSTREAM_TIMEOUT'), [[50, 1, true, 50]]],
    ['an error of a catalogue with status 503', new Errors.BUSY(), [[50, 1, true, 50]]],
    [
      'a 404 of the dependency, a success of the transport,',
      upstream('UPSTREAM_ERROR', 'success'),
      [[50, 1, false, 50]],
    ],
    ['a business error', new Errors.NOT_FOUND(), []],
    ['a connection that was refused', upstream('UPSTREAM_ERROR'), []],
    ['any other failure', new Error('boom'), []],
    ['a throw of undefined', undefined, []],
  ] as const)('%s teaches what it should', async (_, error, expected) => {
    const { clock, s, told, status } = setUp()
    const call = s.run(() => new Promise((_, reject) => clock.setTimer(() => reject(error), 50)))
    const caught = call.catch((reason) => reason)
    await clock.advance(50)
    expect(await caught).toBe(error)
    expect(told).toEqual(expected)
    expect(status()).toEqual({ limit: 2, inFlight: 0 })
  })

  test('a timeout further in is a dropped call, and a refusal from further in teaches nothing', async () => {
    const clock = virtualClock()
    const { told, algorithm } = recorded()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, adaptiveLimiter({ algorithm }), breaker, timeout('50ms'))
    const call = s.run(never).catch((error) => error.code)
    await clock.advance(50)
    expect(await call).toBe('TIMEOUT')
    expect(await s.run(never).catch((error) => error.code)).toBe('CIRCUIT_OPEN')
    expect(told).toEqual([[50, 1, true, 50]])
  })

  test('a cut by escudo from further out is dropped at the cut; the place comes back when the work settles, and teaches no more', async () => {
    for (const by of ['timeout', 'deadline'] as const) {
      const { clock, s, told, status } = setUp({}, ...(by === 'timeout' ? [timeout('50ms')] : []))
      let end: () => void = () => {}
      const call = s
        .run(() => new Promise<void>((resolve) => (end = resolve)), by === 'deadline' ? { deadline: '50ms' } : {})
        .catch((error) => error.code)
      await clock.advance(50)
      expect(await call).toBe(by === 'timeout' ? 'TIMEOUT' : 'DEADLINE_EXCEEDED')
      expect([told, status()]).toEqual([[[50, 1, true, 50]], { limit: 2, inFlight: 1 }])
      await clock.advance(500)
      end()
      await clock.advance(0)
      expect([told.length, status()]).toEqual([1, { limit: 2, inFlight: 0 }])
    }
  })

  test("the caller's abort settles at once with its reason and teaches nothing, also when the operation then fails or succeeds", async () => {
    for (const ending of ['resolve', 'reject', 'never'] as const) {
      const { clock, s, told, status } = setUp()
      const controller = new AbortController()
      let settle: () => void = () => {}
      const call = s
        .run(
          () =>
            new Promise<void>((resolve, reject) => {
              settle = ending === 'resolve' ? resolve : () => reject(upstream('UPSTREAM_TIMEOUT'))
            }),
          { signal: controller.signal },
        )
        .catch((reason) => reason)
      await clock.advance(10)
      controller.abort('gone')
      expect(await call).toBe('gone')
      expect(status()).toEqual({ limit: 2, inFlight: 1 })
      if (ending === 'never') continue
      settle()
      await clock.advance(0)
      expect([told, status()]).toEqual([[], { limit: 2, inFlight: 0 }])
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    }
  })

  test('a call that was aborted before, or between two attempts, takes no place and teaches nothing', async () => {
    const { clock, s, told, status } = setUp({}, retry({ maxRetries: 1, backoff: constant('10ms') }))
    const operation = vi.fn(() => Promise.reject(new Error('boom')))
    await expect(s.run(operation, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
    const controller = new AbortController()
    const call = s.run(operation, { signal: controller.signal }).catch((reason) => reason)
    await clock.advance(5)
    controller.abort('meanwhile')
    expect(await call).toBe('meanwhile')
    await clock.advance(100)
    expect(operation).toHaveBeenCalledTimes(1)
    expect([told, status()]).toEqual([[], { limit: 2, inFlight: 0 }])
  })

  test('a scope that is cut already is not entered', async () => {
    const { clock, s, told, status } = setUp({}, timeout('10ms'))
    const operation = vi.fn()
    // The abort of the timeout reaches the operation inside of it, which calls the shield again with that signal.
    const call = s
      .run(
        ({ signal }) =>
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => s.run(operation, { signal }).catch(reject)),
          ),
      )
      .catch((error) => error.code)
    await clock.advance(10)
    expect(await call).toBe('TIMEOUT')
    await clock.advance(0)
    expect(operation).not.toHaveBeenCalled()
    expect([told.length, status()]).toEqual([1, { limit: 2, inFlight: 0 }])
  })

  test('calls that call their own shield take a place each, and all come back', async () => {
    const { s, status, state } = setUp()
    state.limit = 5
    const depth = async (left: number): Promise<number> => (left === 0 ? 0 : 1 + (await s.run(() => depth(left - 1))))
    expect(await depth(5)).toBe(5)
    expect(await depth(6).catch((error) => error.code)).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ limit: 5, inFlight: 0 })
  })

  test('a listener that throws changes no outcome', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { s, state } = setUp()
    s.on('rejected', () => {
      throw new Error('boom')
    })
    state.limit = 0
    expect(await s.run(() => 1).catch((error) => error.code)).toBe('BULKHEAD_FULL')
    warnings.mockRestore()
  })

  test('shields that share a limiter share its places', async () => {
    const clock = virtualClock()
    const limiter = adaptiveLimiter({ algorithm: recorded(1).algorithm })
    const [a, b] = [shield({ name: 'a', clock }, limiter), shield({ name: 'b', clock }, limiter)]
    void a.run(never)
    const error = await b.run(() => 1).catch((reason) => reason)
    expect([error.code, error.shield]).toEqual(['BULKHEAD_FULL', 'b'])
  })

  test('a hundred thousand calls, served, refused, aborted and cut, leave no place, timer or listener behind', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('5ms'), adaptiveLimiter({ max: 50, initial: 10 }))
    const shared = new AbortController()
    const outcomes = new Map<unknown, number>()
    for (let batch = 0; batch < 1_000; batch += 1) {
      const own = new AbortController()
      const calls = Array.from({ length: 100 }, (_, n) =>
        s
          .run(() => new Promise((resolve) => clock.setTimer(() => resolve('served'), n % 10)), {
            signal: n % 3 === 0 ? own.signal : shared.signal,
          })
          .then(
            (value) => value,
            (error) => error?.code ?? error,
          )
          .then((outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)),
      )
      if (batch % 2 === 0) await clock.advance(1)
      own.abort('gone')
      await clock.advance(10)
      await Promise.all(calls)
      expect(getEventListeners(own.signal, 'abort')).toEqual([])
    }
    expect(getEventListeners(shared.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
    expect(s.status().policies[1]).toMatchObject({ inFlight: 0 })
    expect([...outcomes.keys()].sort()).toEqual(['BULKHEAD_FULL', 'TIMEOUT', 'gone', 'served'])
    expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(100_000)
  }, 60_000)

  test('a hundred attempts of one call leave none of them watching it', async () => {
    const [joined, left] = [vi.spyOn(CancelScope.prototype, 'add'), vi.spyOn(CancelScope.prototype, 'remove')]
    const { clock, s, state } = setUp({}, retry({ maxRetries: 99, backoff: constant(0) }))
    state.limit = 1
    const before = joined.mock.calls.length - left.mock.calls.length
    const call = s.run(() => Promise.reject(new Error('boom')), { deadline: '1h' }).catch(() => {})
    await clock.advance('1m')
    await call
    // The call's own scope is never cut, and parts with nobody by itself.
    expect([joined.mock.calls.length - left.mock.calls.length, joined.mock.calls.length >= 100]).toEqual([before, true])
    vi.restoreAllMocks()
  })

  test('warns of a retry inside of it, whose delays it would take for latency', () => {
    const limiter = adaptiveLimiter()
    const facts = (type: string) => ({ name: type, type, settings: {} })
    expect(limiter.check?.([facts('timeout'), facts('circuitBreaker')])).toEqual([])
    expect(limiter.check?.([facts('timeout'), facts('retry')])).toMatchObject([{ level: 'warning' }])
  })

  test('begins at 20 between 1 and 1000 with gradient2, or at the bound that is nearest', () => {
    const limitOf = (options?: AdaptiveLimiterOptions): unknown => adaptiveLimiter(options).status?.(0)['limit']
    expect(limitOf()).toBe(20)
    expect(limitOf({ max: 5 })).toBe(5)
    expect(limitOf({ min: 50 })).toBe(50)
    expect(limitOf({ min: 5_000 })).toBe(5_000)
    expect(limitOf({ min: 3, max: 9, initial: 7 })).toBe(7)
    expect(adaptiveLimiter().settings).toEqual({ min: 1, max: 1_000, initial: 20 })
  })
})

const COUNTS = [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '5', {}, true, null]
const cases: [string, readonly unknown[], (value: never) => unknown][] = [
  ['adaptiveLimiter.algorithm', ['aimd', aimd, {}, 5], (algorithm) => adaptiveLimiter({ algorithm })],
  ['adaptiveLimiter.min', [...COUNTS.slice(0, -1), 0], (min) => adaptiveLimiter({ min })],
  ['adaptiveLimiter.max', [...COUNTS.slice(0, -1), 4], (max) => adaptiveLimiter({ min: 5, max })],
  [
    'adaptiveLimiter.initial',
    [...COUNTS.slice(0, -1), 4, 11],
    (initial) => adaptiveLimiter({ min: 5, max: 10, initial }),
  ],
  ['adaptiveLimiter.name', ['', 5], (name) => adaptiveLimiter({ name })],
  ['adaptiveLimiter.limit', [5], (limit) => adaptiveLimiter({ limit } as never)],
  ['adaptiveLimiter', ['2s', 5, [], null], (options) => adaptiveLimiter(options)],
  ['aimd', [undefined, null, '2s'], (options) => aimd(options)],
  [
    'aimd.timeout',
    [undefined, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 'soon'],
    (value) => aimd({ timeout: value }),
  ],
  ['aimd.backoffRatio', [0.49, 1, Number.NaN, '0.9'], (backoffRatio) => aimd({ timeout: 1, backoffRatio })],
  ['aimd.smoothing', [1], (smoothing) => aimd({ timeout: 1, smoothing } as never)],
  ['vegas', [null, '2s', 5], (options) => vegas(options)],
  ['vegas.smoothing', [0, -1, 1.1, Number.NaN, '1'], (smoothing) => vegas({ smoothing })],
  ['vegas.alpha', [3], (alpha) => vegas({ alpha } as never)],
  ['gradient2', [null, '2s', 5], (options) => gradient2(options)],
  ['gradient2.rttTolerance', [0.99, 101, Number.NaN, '1.5'], (rttTolerance) => gradient2({ rttTolerance })],
  ['gradient2.queueSize', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY], (queueSize) => gradient2({ queueSize })],
  ['gradient2.smoothing', [0, 1.1, Number.NaN], (smoothing) => gradient2({ smoothing })],
  ['gradient2.longWindow', [600], (longWindow) => gradient2({ longWindow } as never)],
]

test.each(cases.flatMap(([path, values, make]) => values.map((value) => [path, value, make] as const)))(
  '%s does not take %s, and the error names the path',
  (path, value, make) => {
    let error: unknown
    try {
      make(value as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ path })
  },
)
