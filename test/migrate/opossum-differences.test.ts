// Each difference that docs/migrate/opossum.md states.
import { bulkhead, circuitBreaker, coalesce, consecutive, failureRate, shield, timeout } from 'escudo'
import CircuitBreaker from 'opossum'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const down = (): Promise<never> => Promise.reject(new Error('down'))
const ignore = (): void => {}
const orFail = (fails: boolean): Promise<number> => (fails ? down() : Promise.resolve(1))

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    }),
)
afterEach(() => void vi.useRealTimers())

test('opossum ends a call after 10 s; escudo does not without a timeout', async () => {
  const theirs = new CircuitBreaker(() => new Promise(ignore)).fire().catch((error) => error.code)
  const ended = vi.fn()
  shield('s', circuitBreaker())
    .run(() => new Promise(ignore))
    .catch(ended)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await theirs).toBe('ETIMEDOUT')
  expect(ended).not.toHaveBeenCalled()
})

test('the first failure opens a circuit of opossum, and none of escudo', async () => {
  const theirs = new CircuitBreaker(down)
  const breaker = circuitBreaker()
  await theirs.fire().catch(ignore)
  await shield('s', breaker).run(down).catch(ignore)
  expect([theirs.opened, breaker.state]).toEqual([true, 'closed'])
})

test('opossum opens above its threshold, escudo at it', async () => {
  const theirs = new CircuitBreaker(orFail, { errorThresholdPercentage: 50, volumeThreshold: 4 })
  const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, minimumCalls: 4 }) })
  const ours = shield('s', breaker).wrap(orFail)
  for (const fails of [false, false, true, true]) {
    await theirs.fire(fails).catch(ignore)
    await ours(fails).catch(ignore)
  }
  expect([theirs.opened, breaker.state]).toEqual([false, 'open'])
})

test('opossum keeps its counts when the circuit closes; escudo starts from zero', async () => {
  const theirs = new CircuitBreaker(orFail, { volumeThreshold: 4, resetTimeout: 1_000 })
  const breaker = circuitBreaker({ trip: failureRate({ window: '10s', minimumCalls: 4 }), openFor: '1s' })
  const ours = shield('s', breaker).wrap(orFail)
  for (const call of [(fails: boolean) => theirs.fire(fails), ours]) {
    for (let count = 0; count < 4; count += 1) await call(true).catch(ignore)
  }
  await vi.advanceTimersByTimeAsync(1_000)
  for (const call of [(fails: boolean) => theirs.fire(fails), ours]) await call(false)
  expect([theirs.closed, breaker.state]).toEqual([true, 'closed'])
  for (const call of [(fails: boolean) => theirs.fire(fails), ours]) await call(true).catch(ignore)
  expect([theirs.opened, breaker.state]).toEqual([true, 'closed'])
})

test('a full capacity opens a circuit of opossum, and none of escudo', async () => {
  const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000))
  const theirs = new CircuitBreaker(slow, { capacity: 1 })
  const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.51, minimumCalls: 1 }) })
  const ours = shield('s', breaker, bulkhead({ limit: 1 }))
  for (let call = 0; call < 3; call += 1) {
    void theirs.fire().catch(ignore)
    void ours.run(slow).catch(ignore)
  }
  await vi.advanceTimersByTimeAsync(1)
  expect([theirs.opened, breaker.state]).toEqual([true, 'closed'])
})

test('a late success closes a half-open circuit of opossum; escudo reports it as late', async () => {
  const operation = (ms: number, fails: boolean): Promise<number> =>
    new Promise((resolve, reject) => setTimeout(() => (fails ? reject(new Error('down')) : resolve(1)), ms))
  const theirs = new CircuitBreaker(operation, { timeout: false, resetTimeout: 1_000, volumeThreshold: 2 })
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
  const inventory = shield('s', breaker)
  const late = vi.fn()
  inventory.on('late', late)
  const ours = inventory.wrap(operation)
  void theirs.fire(1_500, false)
  void ours(1_500, false)
  for (let count = 0; count < 2; count += 1) void theirs.fire(1, true).catch(ignore)
  void ours(1, true).catch(ignore)
  await vi.advanceTimersByTimeAsync(1_100)
  expect([theirs.halfOpen, breaker.state]).toEqual([true, 'half-open'])
  await vi.advanceTimersByTimeAsync(500)
  expect([theirs.closed, breaker.state, late.mock.calls.length]).toEqual([true, 'half-open', 1])
})

test('the first timeout aborts all calls of opossum, and only its own in escudo', async () => {
  const abortController = new AbortController()
  const theirs = new CircuitBreaker(() => new Promise(ignore), { timeout: 1_000, abortController })
  const signals: AbortSignal[] = []
  const ours = shield('s', timeout('1s'))
  const call = (): void => {
    void theirs.fire().catch(ignore)
    const running = ours.run(({ signal }) => {
      signals.push(signal)
      return new Promise(ignore)
    })
    running.catch(ignore)
  }
  call()
  await vi.advanceTimersByTimeAsync(500)
  call()
  await vi.advanceTimersByTimeAsync(500)
  expect(abortController.signal.aborted).toBe(true)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
})

test('opossum keeps a failed promise in its coalesce; a flight of escudo ends', async () => {
  const [theirOperation, ourOperation] = [vi.fn(down), vi.fn(down)]
  const options = { coalesce: true, timeout: 10_000, volumeThreshold: 10 }
  const theirs = new CircuitBreaker(theirOperation, options)
  const ours = shield('s', coalesce())
  for (let count = 0; count < 2; count += 1) {
    await theirs.fire().catch(ignore)
    await ours.run(ourOperation, { key: 'a' }).catch(ignore)
  }
  expect([theirOperation.mock.calls.length, ourOperation.mock.calls.length]).toEqual([1, 2])
})

test('opossum saves when a breaker was built; escudo saves the rest of the open period', async () => {
  const theirs = new CircuitBreaker(down, { resetTimeout: 10_000 })
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
  const inventory = shield('s', breaker)
  await vi.advanceTimersByTimeAsync(60_000)
  await theirs.fire().catch(ignore)
  await inventory.run(down).catch(ignore)
  const options = { timeout: 1_000, resetTimeout: 10_000, state: JSON.parse(JSON.stringify(theirs)).state }
  expect(new CircuitBreaker(down, options).halfOpen).toBe(true)
  expect(circuitBreaker({ trip: consecutive(1), openFor: '10s', restore: breaker.save() }).state).toBe('open')
})
