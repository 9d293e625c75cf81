import { getEventListeners } from 'node:events'
import { bulkhead, circuitBreaker, consecutive, constant, fallback, retry, shield, timeout } from 'escudo'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test, vi } from 'vitest'

// The recommended order: fallback > total timeout > retry > circuit breaker > bulkhead > attempt timeout > operation.

const DOWN = new Error('down')

function setUp() {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(3), openFor: '10s' })
  const s = shield(
    { name: 'recommended', clock },
    fallback('fallback'),
    timeout('5s', { name: 'total' }),
    retry({ maxRetries: 2, backoff: constant(100) }),
    breaker,
    bulkhead({ limit: 2, queue: 1 }),
    timeout('2s', { name: 'attempt' }),
  )
  const status = (index: number): Record<string, unknown> => ({ ...s.status().policies[index] })
  return { clock, s, breaker, status }
}

const kinds = [
  ['sync', (act: () => unknown) => act],
  ['async', (act: () => unknown) => async () => act()],
] as const

describe.each(kinds)('the five recommended policies around a %s operation', (_kind, as) => {
  test('a value is returned after one call', async () => {
    const { s, clock, status } = setUp()
    expect(await s.run(as(() => 42))).toBe(42)
    expect(status(3)).toMatchObject({ calls: 1, failures: 0 })
    expect(clock.pending).toBe(0)
  })

  test('the breaker counts every attempt, and the fallback replaces the last failure', async () => {
    const { s, clock, breaker, status } = setUp()
    const operation = vi.fn(
      as(() => {
        throw DOWN
      }),
    )
    const outcome = s.run(operation)
    await clock.advance('200ms')
    expect(await outcome).toBe('fallback')
    expect(operation).toHaveBeenCalledTimes(3)
    expect(status(2)).toMatchObject({ retries: 2, exhausted: 1 })
    expect(breaker.state).toBe('open')
    // Now the fallback replaces the refusal immediately, and the operation is not called.
    expect(await s.run(operation)).toBe('fallback')
    expect(operation).toHaveBeenCalledTimes(3)
    await clock.advance('10s')
    expect(await s.run(as(() => 'back'))).toBe('back')
    expect(breaker.state).toBe('closed')
    expect(clock.pending).toBe(0)
  })

  test('a transient failure is retried until it succeeds', async () => {
    const { s, clock } = setUp()
    let calls = 0
    const outcome = s.run(
      as(() => {
        calls += 1
        if (calls < 3) throw DOWN
        return 'third time lucky'
      }),
    )
    await clock.advance('1s')
    expect(await outcome).toBe('third time lucky')
  })

  test('a business error passes through all policies unchanged', async () => {
    const { s, status } = setUp()
    const business = Object.assign(new Error('no'), {
      [Symbol.for('escudo.error')]: { code: 'NO', status: 409, kind: 'business' },
    })
    await expect(
      s.run(
        as(() => {
          throw business
        }),
      ),
    ).rejects.toBe(business)
    expect([status(2)['retries'], status(3)['calls']]).toEqual([0, 0])
  })
})

test('timeouts cancel each attempt that ignores its signal, and release its permit', async () => {
  const { s, clock, status } = setUp()
  let calls = 0
  const outcome = s.run(() => {
    calls += 1
    return new Promise(() => {})
  })
  await clock.advance('4999ms')
  expect(calls).toBe(3)
  await clock.advance(1)
  expect(await outcome).toBe('fallback')
  expect(status(1)).toMatchObject({ name: 'total', timeouts: 1 })
  expect(status(5)).toMatchObject({ name: 'attempt', timeouts: 2 })
  // Two attempts timed out, and the total timeout cancelled the third: three failures of the dependency.
  expect(status(3)).toMatchObject({ state: 'open', failures: 3 })
  expect(status(4)).toMatchObject({ inUse: 0 })
})

test('a full bulkhead causes no retry and opens no circuit, and the fallback answers', async () => {
  const { s, clock, status } = setUp()
  const ends: ((value?: unknown) => void)[] = []
  const running = [1, 2, 3].map(() => s.run(() => new Promise((resolve) => ends.push(resolve))))
  expect(await s.run(() => 'not called')).toBe('fallback')
  expect([status(2)['retries'], status(3)['failures']]).toEqual([0, 0])
  for (const end of ends) end('done')
  await clock.advance(0)
  ends.at(-1)?.('done')
  expect(await Promise.all(running)).toEqual(['done', 'done', 'done'])
  expect(status(4)).toMatchObject({ inUse: 0, queued: 0 })
  expect(clock.pending).toBe(0)
})

test("the caller's abort ends a running, a queued and a retrying call, with nothing left behind", async () => {
  const { s, clock, status } = setUp()
  const controller = new AbortController()
  const options = { signal: controller.signal }
  const ends: ((value?: unknown) => void)[] = []
  const failing = s.run(() => Promise.reject(DOWN), options).catch((error) => error)
  await clock.advance(1)
  const ignoring = [1, 2].map(() =>
    s.run(() => new Promise((resolve) => ends.push(resolve)), options).catch((error) => error),
  )
  const queued = s.run(() => 'not called', options).catch((error) => error)
  expect(status(4)).toMatchObject({ inUse: 2, queued: 1 })
  controller.abort('gone')
  expect(status(4)).toMatchObject({ queued: 0 })
  expect(await Promise.all([failing, ...ignoring, queued])).toEqual(['gone', 'gone', 'gone', 'gone'])
  for (const end of ends) end()
  await clock.advance(0)
  expect(status(4)).toMatchObject({ inUse: 0, queued: 0 })
  expect(status(3)).toMatchObject({ failures: 1, calls: 1 })
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(clock.pending).toBe(0)
})
