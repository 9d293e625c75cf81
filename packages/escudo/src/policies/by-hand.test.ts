import { expect, test, vi } from 'vitest'
import { newCall } from '../core/call.ts'
import type { AnyPolicy, Operation, Run } from '../index.ts'
import {
  bulkhead,
  circuitBreaker,
  constant,
  fallback,
  rateLimiter,
  retry,
  shield,
  systemClock,
  throttle,
  timeout,
} from '../index.ts'

// Policies wrapped without a shield: by hand, as in the test of a policy of one's own.

const innermost: Run = async (call, operation) => await operation(call)
const run = (policy: AnyPolicy, operation: Operation<unknown>): Promise<unknown> =>
  policy.wrap(innermost)(newCall({ name: '', clock: systemClock, random: Math.random, policies: [] }), operation)

test.each<[string, () => AnyPolicy]>([
  ['retry', () => retry()],
  ['timeout', () => timeout('1s')],
  ['circuitBreaker', () => circuitBreaker()],
  ['bulkhead', () => bulkhead({ limit: 1 })],
  ['rateLimiter', () => rateLimiter({ limit: 1, per: '1s' })],
  ['throttle', () => throttle()],
  ['fallback', () => fallback(null)],
])('%s works when it is wrapped by hand, on the system clock', async (name, make) => {
  const policy = make()
  expect(policy.type).toBe(name)
  expect(await run(policy, () => 42)).toBe(42)
})

test('each kind of failure is what it is in a shield', async () => {
  const breaker = circuitBreaker()
  breaker.isolate()
  await expect(run(breaker, () => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: '' })
  expect(await run(fallback('fallback'), () => Promise.reject('down'))).toBe('fallback')
  let calls = 0
  const flaky = (): number => {
    calls += 1
    if (calls < 3) throw new Error('down')
    return calls
  }
  expect(await run(retry({ backoff: constant(0) }), flaky)).toBe(3)
})

test('a breaker in a new shield for every call is a mistake that is said once', () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const breaker = circuitBreaker({ name: 'shared' })
  for (let n = 0; n < 3_000; n += 1) shield(`s${n}`, breaker)
  expect(warnings).toHaveBeenCalledTimes(1)
  expect(warnings).toHaveBeenCalledWith(
    expect.stringContaining("'shared'"),
    expect.objectContaining({ code: 'ESCUDO_SHIELDS' }),
  )
  warnings.mockRestore()
})
