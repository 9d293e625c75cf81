import {
  type AnyPolicy,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test, vi } from 'vitest'

// Every ordered pair of the five policies, against everything that a call can come to. What is expected is said by
// rules about the order alone, so that each rule of the documentation stands here once.

const TYPES = ['fallback', 'timeout', 'retry', 'circuitBreaker', 'bulkhead'] as const
type Type = (typeof TYPES)[number]

const DOWN = new Error('down')
const BUSINESS = Object.assign(new Error('not found'), {
  [Symbol.for('escudo.error')]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})
const GONE = new Error('the caller is gone')

function setUp(outer: Type, inner: Type) {
  const clock = virtualClock()
  const policies = {
    fallback: () => fallback('fallback'),
    timeout: () => timeout('1s'),
    retry: () => retry({ maxRetries: 1, backoff: constant(10) }),
    circuitBreaker: () => circuitBreaker({ trip: consecutive(99) }),
    bulkhead: () => bulkhead({ limit: 1 }),
  }
  const pair = [policies[outer](), policies[inner]()] as const
  const untyped = shield as unknown as (options: object, ...all: readonly AnyPolicy[]) => Shield
  const s = untyped({ name: 'pair', clock }, ...pair)
  const status = (type: Type): Record<string, unknown> =>
    ({ ...s.status().policies.find((policy) => policy.type === type) }) as Record<string, unknown>
  const policy = (type: Type) => pair.find((one) => one.type === type)
  return { clock, s, status, policy }
}

const pairs = TYPES.flatMap((outer) => TYPES.filter((inner) => inner !== outer).map((inner) => ({ outer, inner })))

/** What every call ends with: one outcome, no permit taken, no timer set. */
async function finish({ clock, status }: ReturnType<typeof setUp>, has: (type: Type) => boolean): Promise<void> {
  await clock.advance('1h')
  if (has('bulkhead')) expect(status('bulkhead')).toMatchObject({ inUse: 0, queued: 0 })
  expect(clock.pending).toBe(0)
}

// The warning that a fallback inside of a retry deserves is the subject of another test.
vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

describe.each(pairs)('$outer > $inner', ({ outer, inner }) => {
  const has = (type: Type): boolean => outer === type || inner === type
  const order = (a: Type, b: Type): boolean => outer === a && inner === b

  test.each([
    ['sync', () => 'value'],
    ['async', async () => 'value'],
  ])('a value, %s: it comes through, and the operation is called once', async (_kind, result) => {
    const pair = setUp(outer, inner)
    const operation = vi.fn(result)
    expect(await pair.s.run(operation)).toBe('value')
    expect(operation).toHaveBeenCalledTimes(1)
    if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 0, calls: 1 })
    if (has('retry')) expect(pair.status('retry')).toMatchObject({ retries: 0, exhausted: 0 })
    await finish(pair, has)
  })

  test.each([
    [
      'sync throw',
      () => {
        throw DOWN
      },
    ],
    [
      'async rejection',
      async () => {
        throw DOWN
      },
    ],
  ])('a failure, %s: retried, counted, and replaced, as the order says', async (_kind, result) => {
    const pair = setUp(outer, inner)
    const operation = vi.fn(result as () => unknown)
    const outcome = pair.s.run(operation).catch((error) => error)
    await pair.clock.advance('1s')
    expect(await outcome).toBe(has('fallback') ? 'fallback' : DOWN)
    // A fallback inside of a retry hides the failure from it.
    const calls = has('retry') && !order('retry', 'fallback') ? 2 : 1
    expect(operation).toHaveBeenCalledTimes(calls)
    if (has('retry')) expect(pair.status('retry')).toMatchObject({ retries: calls - 1, exhausted: calls - 1 })
    if (has('circuitBreaker')) {
      // Inside of a retry it sees every attempt, outside the last one alone; outside of a fallback it sees none.
      const failures = order('retry', 'circuitBreaker') ? 2 : order('circuitBreaker', 'fallback') ? 0 : 1
      expect(pair.status('circuitBreaker')).toMatchObject({ failures })
    }
    await finish(pair, has)
  })

  test.each([
    [
      'sync throw',
      () => {
        throw BUSINESS
      },
    ],
    [
      'async rejection',
      async () => {
        throw BUSINESS
      },
    ],
  ])('a business error, %s: nobody retries, counts or replaces it', async (_kind, result) => {
    const pair = setUp(outer, inner)
    const operation = vi.fn(result as () => unknown)
    await expect(pair.s.run(operation)).rejects.toBe(BUSINESS)
    expect(operation).toHaveBeenCalledTimes(1)
    if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 0, calls: 0 })
    if (has('retry')) expect(pair.status('retry')).toMatchObject({ retries: 0, exhausted: 0 })
    await finish(pair, has)
  })

  test.each(['deaf', 'attentive'] as const)(
    "the caller's abort of a %s operation: its own reason, at once",
    async (kind) => {
      const pair = setUp(outer, inner)
      const controller = new AbortController()
      let release: (value?: unknown) => void = () => {}
      const operation = vi.fn(
        ({ signal }: { signal: AbortSignal }) =>
          new Promise((resolve, reject) => {
            release = resolve
            if (kind === 'attentive') signal.addEventListener('abort', () => reject(signal.reason))
          }),
      )
      const outcome = pair.s.run(operation, { signal: controller.signal }).catch((error) => error)
      controller.abort(GONE)
      expect(await outcome).toBe(GONE)
      await pair.clock.advance('1m')
      expect(operation).toHaveBeenCalledTimes(1)
      if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 0, calls: 0 })
      if (has('retry')) expect(pair.status('retry')).toMatchObject({ retries: 0, exhausted: 0 })
      if (has('timeout')) expect(pair.status('timeout')).toMatchObject({ timeouts: 0 })
      // A deaf operation still runs, and holds its place, unless a timeout stands between.
      const held = kind === 'deaf' && !order('bulkhead', 'timeout') ? 1 : 0
      if (has('bulkhead')) expect(pair.status('bulkhead')).toMatchObject({ inUse: held })
      release()
      await finish(pair, has)
    },
  )

  test.each(['deaf', 'attentive'] as const)(
    'too long, %s: cut off on time by its timeout or its deadline',
    async (kind) => {
      const pair = setUp(outer, inner)
      const releases: ((value?: unknown) => void)[] = []
      const operation = vi.fn(
        ({ signal }: { signal: AbortSignal }) =>
          new Promise((resolve, reject) => {
            releases.push(resolve)
            if (kind === 'attentive') signal.addEventListener('abort', () => reject(signal.reason))
          }),
      )
      const options = has('timeout') ? {} : { deadline: '1s' as const }
      const outcome = pair.s.run(operation, options).catch((error) => error.code)
      const attempts = order('retry', 'timeout') ? 2 : 1
      await pair.clock.advance('1s')
      if (attempts === 2) await pair.clock.advance('1010ms')
      const settledAt = pair.clock.now()
      // Only a fallback outside of the timeout can still answer: whoever was cut off has nobody who listens.
      const code = has('timeout') ? 'TIMEOUT' : 'DEADLINE_EXCEEDED'
      expect(await outcome).toBe(order('fallback', 'timeout') ? 'fallback' : code)
      expect(settledAt).toBe(attempts === 2 ? 2_010 : 1_000)
      expect(operation).toHaveBeenCalledTimes(attempts)
      if (has('timeout')) expect(pair.status('timeout')).toMatchObject({ timeouts: attempts })
      // A timeout or deadline further out, or a timeout further in: a failure of the breaker either way.
      if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 1, calls: 1 })
      const held = kind === 'deaf' && !order('bulkhead', 'timeout') ? 1 : 0
      if (has('bulkhead')) expect(pair.status('bulkhead')).toMatchObject({ inUse: held })
      for (const release of releases) release()
      await finish(pair, has)
      // What came late was not counted twice.
      if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 1, calls: 1 })
    },
  )
})

const REFUSING = ['circuitBreaker', 'bulkhead'] as const
const refusals = pairs.flatMap(({ outer, inner }) =>
  REFUSING.filter((type) => type === outer || type === inner).map((type) => ({ outer, inner, type })),
)

test.each(refusals)(
  '$outer > $inner, a refusal by $type: the operation is not called, nobody waits or counts',
  async ({ outer, inner, type }) => {
    const has = (one: Type): boolean => outer === one || inner === one
    const pair = setUp(outer, inner)
    const policy = pair.policy(type) as never
    let free: (value?: unknown) => void = () => {}
    if (type === 'bulkhead') {
      const busy = shield({ name: 'busy', clock: pair.clock }, policy) as unknown as Shield
      void busy.run(
        () =>
          new Promise((resolve) => {
            free = resolve
          }),
      )
    } else (policy as ReturnType<typeof circuitBreaker>).isolate()
    for (const operation of [vi.fn(() => 'value'), vi.fn(async () => 'value')]) {
      const outcome = await pair.s.run(operation).catch((error) => error.code)
      const code = type === 'bulkhead' ? 'BULKHEAD_FULL' : 'CIRCUIT_OPEN'
      expect(outcome).toBe(has('fallback') && inner !== 'fallback' ? 'fallback' : code)
      expect(operation).not.toHaveBeenCalled()
    }
    expect(pair.clock.now()).toBe(0)
    if (has('retry')) expect(pair.status('retry')).toMatchObject({ retries: 0 })
    if (has('circuitBreaker')) expect(pair.status('circuitBreaker')).toMatchObject({ failures: 0, calls: 0 })
    free()
    await finish(pair, has)
  },
)
