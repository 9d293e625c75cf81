// Each difference that docs/migrate/p-retry.md states.
import { constant, retry, shield } from 'escudo'
import pRetry from 'p-retry'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const ignore = (): void => {}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** How often an operation that throws this value is called, and what its caller gets. */
async function failing(thrown: unknown): Promise<readonly unknown[]> {
  const [theirs, ours] = [vi.fn(() => Promise.reject(thrown)), vi.fn(() => Promise.reject(thrown))]
  const theirCall = pRetry(theirs, { retries: 2, minTimeout: 100 }).catch((error) => error)
  const ourCall = shield('s', retry({ maxRetries: 2, backoff: constant(100) }))
    .run(ours)
    .catch((error) => error)
  await vi.advanceTimersByTimeAsync(1_000)
  return [theirs.mock.calls.length, await theirCall, ours.mock.calls.length, await ourCall]
}

test('a call that always fails takes 17 minutes by default, and under a second in escudo', async () => {
  const [theirs, ours] = [
    vi.fn(() => Promise.reject(new Error('down'))),
    vi.fn(() => Promise.reject(new Error('down'))),
  ]
  const start = performance.now()
  const ended: number[] = []
  const end = (): void => void ended.push(performance.now() - start)
  pRetry(theirs).catch(end)
  shield('s', retry()).run(ours).catch(end)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect([theirs.mock.calls.length, ours.mock.calls.length]).toEqual([11, 3])
  expect(ended[0]).toBeLessThan(1_000)
  expect(Math.round((ended[1] ?? 0) / 60_000)).toBe(17)
})

test('a TypeError is retried by escudo only', async () => {
  const bug = new TypeError('x is undefined')
  expect(await failing(bug)).toEqual([1, bug, 3, bug])
})

test('a thrown string becomes a TypeError in p-retry, and is retried by escudo', async () => {
  const [theirCalls, theirs, ourCalls, ours] = await failing('down')
  expect([theirCalls, ourCalls, ours]).toEqual([1, 3, 'down'])
  expect(theirs).toBeInstanceOf(TypeError)
})

test('an abort during an attempt: p-retry waits for the attempt, escudo does not', async () => {
  const controller = new AbortController()
  const [theirs, ours] = [vi.fn(), vi.fn()]
  const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000))
  pRetry(slow, { signal: controller.signal }).catch(theirs)
  shield('s', retry()).run(slow, { signal: controller.signal }).catch(ours)
  controller.abort('left')
  await vi.advanceTimersByTimeAsync(500)
  expect(ours).toHaveBeenCalledWith('left')
  expect(theirs).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(500)
  expect(theirs).toHaveBeenCalledWith('left')
})

test('a retryAfterMs replaces the delay in escudo only', async () => {
  const busy = Object.assign(new Error('busy'), { retryAfterMs: 5_000 })
  const [theirs, ours] = [vi.fn(() => Promise.reject(busy)), vi.fn(() => Promise.reject(busy))]
  pRetry(theirs, { retries: 1, minTimeout: 100 }).catch(ignore)
  shield('s', retry({ maxRetries: 1, backoff: constant(100) }))
    .run(ours)
    .catch(ignore)
  await vi.advanceTimersByTimeAsync(4_900)
  expect([theirs.mock.calls.length, ours.mock.calls.length]).toEqual([2, 1])
  await vi.advanceTimersByTimeAsync(200)
  expect(ours).toHaveBeenCalledTimes(2)
})

test('p-retry retries at the limit of time; escudo makes no retry that would start after it', async () => {
  const [theirs, ours] = [
    vi.fn(() => Promise.reject(new Error('down'))),
    vi.fn(() => Promise.reject(new Error('down'))),
  ]
  pRetry(theirs, { minTimeout: 1_000, maxRetryTime: 500 }).catch(ignore)
  shield('s', retry({ maxRetries: 5, backoff: constant('1s'), maxTotal: 500 }))
    .run(ours)
    .catch(ignore)
  await vi.advanceTimersByTimeAsync(10_000)
  expect([theirs.mock.calls.length, ours.mock.calls.length]).toEqual([2, 1])
})

test('an unknown option is a ConfigurationError in escudo only', async () => {
  const options = { retires: 5, factor: 2 }
  expect(await pRetry(() => 1, options)).toBe(1)
  expect(() => retry(options as never)).toThrow('no such option')
})
