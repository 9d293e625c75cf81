import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { attemptsOf, constant, exponential, linear, type RetryOptions, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)

function setUp(options: RetryOptions = {}, random: () => number = () => 0.5) {
  const clock = virtualClock()
  const s = shield({ name: 's', clock, random }, retry({ backoff: constant(100), ...options }))
  const status = (): unknown => s.status().policies[0]
  return { clock, s, status }
}

/** Returns the instants at which an operation that always fails is called. */
async function instants(options: RetryOptions, random?: () => number): Promise<number[]> {
  const { clock, s } = setUp(options, random)
  const at: number[] = []
  const call = s
    .run(() => {
      at.push(clock.now())
      return fail()
    })
    .catch(() => {})
  await clock.advance('1h')
  await call
  expect(clock.pending).toBe(0)
  return at
}

describe('attempts', () => {
  test('maxRetries: 2 makes up to three calls; the first one starts immediately', async () => {
    expect(await instants({ maxRetries: 2 })).toEqual([0, 100, 200])
    expect(await instants({ maxRetries: 0 })).toEqual([0])
  })

  test('call.attempt counts from 1', async () => {
    const { clock, s } = setUp({ maxRetries: 3 })
    const numbers: number[] = []
    const call = s
      .run(({ attempt }) => {
        numbers.push(attempt)
        return fail()
      })
      .catch(() => {})
    await clock.advance('1s')
    await call
    expect(numbers).toEqual([1, 2, 3, 4])
  })

  test('the first success ends the attempts and is the result', async () => {
    const { clock, s, status } = setUp({ maxRetries: 5 })
    const answer = s.run(async ({ attempt }) => (attempt < 3 ? await fail() : `the ${attempt}rd`))
    await clock.advance('1s')
    expect(await answer).toBe('the 3rd')
    expect(status()).toMatchObject({ calls: 1, retries: 2, exhausted: 0 })
  })

  test('the defaults are 2 retries, exponential from 200 ms, full jitter', async () => {
    const clock = virtualClock()
    const at: number[] = []
    const call = shield({ name: 's', clock, random: () => 0.5 }, retry())
      .run(() => {
        at.push(clock.now())
        return fail()
      })
      .catch(() => {})
    await clock.advance('1h')
    await call
    expect(at).toEqual([0, 100, 300])
  })

  test('retries a synchronous throw like a rejection', async () => {
    const { clock, s } = setUp()
    const answer = s.run(({ attempt }) => {
      if (attempt === 1) throw DOWN
      return 'ok'
    })
    await clock.advance(100)
    expect(await answer).toBe('ok')
  })
})

describe('backoff', () => {
  test('constant waits the same delay before each retry', async () => {
    expect(await instants({ maxRetries: 3, backoff: constant('1s') })).toEqual([0, 1_000, 2_000, 3_000])
  })

  test('linear adds a step to each delay, up to its maximum', async () => {
    const backoff = linear({ base: 100, step: 50, max: 180 })
    expect(await instants({ maxRetries: 4, backoff })).toEqual([0, 100, 250, 430, 610])
  })

  test('exponential without jitter multiplies each delay, up to its maximum', async () => {
    const backoff = exponential({ base: 100, factor: 3, max: 500, jitter: 'none' })
    expect(await instants({ maxRetries: 4, backoff })).toEqual([0, 100, 400, 900, 1_400])
  })

  test('full jitter is random · min(max, base · 2^n)', async () => {
    const backoff = exponential({ base: 100, max: 300 })
    expect(await instants({ maxRetries: 3, backoff }, () => 0.5)).toEqual([0, 50, 150, 300])
  })

  test('equal jitter is half fixed and half random', async () => {
    const backoff = exponential({ base: 100, max: 300, jitter: 'equal' })
    expect(await instants({ maxRetries: 3, backoff }, () => 0.5)).toEqual([0, 75, 225, 450])
  })

  test('decorrelated jitter is min(max, random(base, 3 · previous))', async () => {
    const backoff = exponential({ base: 100, max: 1_000, jitter: 'decorrelated' })
    // 100..300 -> 200; 100..600 -> 350; 100..1050 -> 575
    expect(await instants({ maxRetries: 3, backoff }, () => 0.5)).toEqual([0, 200, 550, 1_125])
  })

  test('the same seed of the shield gives the same delays', async () => {
    const { seededRandom } = await import('../../../index.ts')
    const backoff = exponential({ base: 100 })
    const [first, second] = [
      await instants({ maxRetries: 5, backoff }, seededRandom(3)),
      await instants({ maxRetries: 5, backoff }, seededRandom(3)),
    ]
    expect(first).toEqual(second)
    expect(new Set(first).size).toBe(6)
  })
})

describe('the retryAfterMs of an error', () => {
  const hinting = (retryAfterMs: unknown): Error => Object.assign(new Error('busy'), { retryAfterMs })
  const delayFor = async (options: RetryOptions, retryAfterMs: unknown): Promise<number> => {
    const { clock, s } = setUp({ maxRetries: 1, ...options })
    const at: number[] = []
    const call = s
      .run(() => {
        at.push(clock.now())
        return Promise.reject(hinting(retryAfterMs))
      })
      .catch(() => {})
    await clock.advance('10h')
    await call
    return (at[1] ?? Number.NaN) - (at[0] as number)
  }

  test("replaces the backoff's delay, whether it is longer or shorter", async () => {
    expect(await delayFor({}, 5_000)).toBe(5_000)
    expect(await delayFor({}, 3)).toBe(3)
    expect(await delayFor({}, 0)).toBe(0)
  })

  test('is limited by an option whose default is 60 s', async () => {
    expect(await delayFor({}, 3_600_000)).toBe(60_000)
    expect(await delayFor({}, Number.POSITIVE_INFINITY)).toBe(60_000)
    expect(await delayFor({ retryAfter: { max: '2s' } }, 5_000)).toBe(2_000)
  })

  test('is ignored with retryAfter: false', async () => {
    expect(await delayFor({ retryAfter: false }, 5_000)).toBe(100)
  })

  test.each([-1, Number.NaN, '5', null, {}, 5n])('is ignored if it is %s', async (hint) => {
    expect(await delayFor({}, hint)).toBe(100)
  })

  test('is ignored if its getter throws; the original error is thrown', async () => {
    const hostile = Object.defineProperty(new Error('hostile'), 'retryAfterMs', {
      get() {
        throw new RangeError('hostile getter')
      },
    })
    const { clock, s } = setUp({ maxRetries: 1 })
    const call = s.run(() => Promise.reject(hostile)).catch((error) => error)
    await clock.advance('1s')
    expect(await call).toBe(hostile)
  })
})

describe('classification', () => {
  const business = Object.assign(new Error('not found'), {
    [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
  })
  const never = Object.assign(new Error('spent'), {
    [FACTS]: { code: 'X', status: 500, kind: 'technical', retry: 'never' },
  })

  test("does not retry a business error or an error with retry: 'never'", async () => {
    for (const error of [business, never]) {
      const { s, status, clock } = setUp()
      const operation = vi.fn(() => Promise.reject(error))
      await expect(s.run(operation)).rejects.toBe(error)
      expect(operation).toHaveBeenCalledTimes(1)
      // A business error is not a failure, so it does not count as exhausted.
      expect(status()).toMatchObject({ retries: 0, exhausted: error === business ? 0 : 1 })
      expect(clock.pending).toBe(0)
      expect(attemptsOf(error)).toEqual([])
    }
  })

  test('a classifier can count a value as a failure', async () => {
    const clock = virtualClock()
    const policy = retry<number>({
      maxRetries: 2,
      backoff: constant(10),
      classify: (outcome) => (outcome.ok && outcome.value < 3 ? 'failure' : 'success'),
    })
    const s = shield({ name: 's', clock }, policy)
    const answer = s.run(({ attempt }) => attempt)
    await clock.advance(100)
    expect(await answer).toBe(3)
    // Without attempts left, the last value is the result.
    const last = s.run(() => 0)
    await clock.advance(100)
    expect(await last).toBe(0)
    expect(s.status().policies[0]).toMatchObject({ exhausted: 1 })
  })

  test('a classifier can count any error as a failure, business errors included', async () => {
    const classify = vi.fn((outcome) => (outcome.ok ? 'success' : outcome.error === business ? 'failure' : 'ignored'))
    const { clock, s } = setUp({ maxRetries: 1, classify })
    const operation = vi.fn(() => Promise.reject(business))
    const call = s.run(operation).catch((error) => error)
    await clock.advance('1s')
    expect(await call).toBe(business)
    expect(operation).toHaveBeenCalledTimes(2)
    await expect(s.run(fail)).rejects.toBe(DOWN)
  })

  test('a classifier that throws ends the call; the original error is the cause', async () => {
    const bug = new TypeError('bug in classify')
    const { s } = setUp({
      classify: () => {
        throw bug
      },
    })
    const operation = vi.fn(fail)
    const error = await s.run(operation).catch((thrown) => thrown)
    expect([error, error.cause]).toEqual([bug, DOWN])
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('a classifier that throws on a value rejects the call with its error', async () => {
    const bug = new TypeError('bug in classify')
    const { s } = setUp({
      classify: () => {
        throw bug
      },
    })
    await expect(s.run(() => 1)).rejects.toBe(bug)
  })
})

test('emits `retry` before the delay, with the failed attempt, its error and the delay', async () => {
  const { clock, s } = setUp({ maxRetries: 2 })
  const received: unknown[] = []
  s.on('retry', (event) => received.push([clock.now(), event]))
  const call = s.run(fail).catch(() => {})
  await clock.advance('1s')
  await call
  const event = { shield: 's', policy: 'retry', delayMs: 100, error: DOWN }
  expect(received).toEqual([
    [0, { ...event, attempt: 1 }],
    [100, { ...event, attempt: 2 }],
  ])
})
