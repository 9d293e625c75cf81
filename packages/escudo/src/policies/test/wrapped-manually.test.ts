import { describe, expect, test, vi } from 'vitest'
import { newCall } from '../../core/engine/call.ts'
import { newRoot } from '../../core/engine/call-root.ts'
import type { AnyPolicy, Call, Operation, Run, RunOptions, Shield } from '../../index.ts'
import {
  adaptiveThrottle,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  rateLimiter,
  retry,
  shield,
  systemClock,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

// Policies wrapped manually, without a shield, as in the test of a custom policy.

const innermost: Run = async (call, operation) => await operation(call)
const run = (policy: AnyPolicy, operation: Operation<unknown>): Promise<unknown> =>
  policy.wrap(innermost)(
    newCall(newRoot({ name: '', clock: systemClock, random: Math.random, policies: [] }, undefined, 0, undefined)),
    operation,
  )

test.each<[string, () => AnyPolicy]>([
  ['retry', () => retry()],
  ['timeout', () => timeout('1s')],
  ['circuitBreaker', () => circuitBreaker()],
  ['bulkhead', () => bulkhead({ limit: 1 })],
  ['rateLimiter', () => rateLimiter({ limit: 1, per: '1s' })],
  ['adaptiveThrottle', () => adaptiveThrottle()],
  ['fallback', () => fallback(null)],
])('%s works when it is wrapped manually, on the system clock', async (name, make) => {
  const policy = make()
  expect(policy.type).toBe(name)
  expect(await run(policy, () => 42)).toBe(42)
})

test('refusal, fallback and retry behave as in a shield', async () => {
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

test('warns once about a breaker that is in a new shield for every call', () => {
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

describe.each<[string, () => AnyPolicy]>([
  ['retry', () => retry({ maxRetries: 1, backoff: constant(10) })],
  ['timeout', () => timeout(50)],
  ['circuitBreaker', () => circuitBreaker({ trip: consecutive(2), openFor: 40 })],
  ['bulkhead', () => bulkhead({ limit: 1, queue: 1, maxWait: 30 })],
  ['fallback', () => fallback(async () => 'instead')],
])('%s', (_name, make) => {
  test('wrapped manually has the outcomes, events, status and explanations of a shield', async () => {
    /** Records everything observable of a policy during many kinds of calls. */
    const observe = async (through: (policy: AnyPolicy) => AnyPolicy): Promise<unknown> => {
      const clock = virtualClock()
      const policy = make()
      const s = shield(
        { name: 's', clock },
        ...([timeout(200, { name: 'total' }), through(policy), timeout(45, { name: 'inside' })] as never[]),
      ) as unknown as Shield
      const records: unknown[] = []
      for (const event of ['retry', 'timeout', 'rejected', 'fallback', 'stateChange', 'executed', 'late'] as const) {
        s.on(event, (fact) => records.push([event, fact]))
      }
      const later = (ms: number, end: () => unknown) => async () => {
        await new Promise<void>((resolve) => void clock.setTimer(resolve, ms))
        return end()
      }
      const down = (): never => {
        throw new Error('down')
      }
      const controller = new AbortController()
      const outcomes: Promise<unknown>[] = []
      const calls: [() => unknown, RunOptions?][] = [
        [() => 1],
        [down],
        [later(20, () => 2)],
        [later(20, down), { deadline: 15 }],
        [later(40, () => 3)],
        [later(40, down)],
        [later(500, () => 4)],
        [later(40, () => 5), { signal: controller.signal }],
        [later(500, down)],
      ]
      for (const [index, [operation, options]] of calls.entries()) {
        const outcome = s.run(operation, options).then(
          (value) => records.push([index, value]),
          (error) => records.push([index, String(error), explain(error)]),
        )
        outcomes.push(outcome)
        await clock.advance(7)
      }
      controller.abort('mine')
      await clock.advance(50)
      records.push(policy.status?.(clock.now()))
      await clock.advance(2_000)
      records.push(policy.status?.(clock.now()))
      await Promise.all(outcomes)
      // Sorted, because the order of records of the same instant is not part of the contract.
      return records.map((record) => JSON.stringify(record)).sort()
    }
    const wrappedManually = (policy: AnyPolicy): AnyPolicy => ({
      name: policy.name,
      type: policy.type,
      settings: policy.settings,
      wrap: (next, binding) => policy.wrap(next, binding),
    })
    expect(await observe(wrappedManually)).toEqual(await observe((policy) => policy))
  })

  test('runs through a `wrap` that replaces its own', async () => {
    for (const change of [
      (policy: AnyPolicy, wrap: AnyPolicy['wrap']): AnyPolicy => ({ ...policy, wrap }),
      (policy: AnyPolicy, wrap: AnyPolicy['wrap']): AnyPolicy => Object.assign(Object.create(policy), { wrap }),
      (policy: AnyPolicy, wrap: AnyPolicy['wrap']): AnyPolicy => Object.assign(policy, { wrap }),
    ]) {
      const policy = make()
      const original = policy.wrap.bind(policy)
      const watched = vi.fn()
      const wrap: AnyPolicy['wrap'] = (next, binding) => {
        const run = original(next, binding)
        return (call, operation) => {
          watched()
          return run(call, operation)
        }
      }
      expect(await (shield('s', change(policy, wrap) as never) as unknown as Shield).run(() => 42)).toBe(42)
      expect(watched).toHaveBeenCalledTimes(1)
    }
  })
})

test('an inner timeout does not include the time that an outer custom policy has waited', async () => {
  const clock = virtualClock()
  const late = definePolicy({
    name: 'late',
    wrap: (next) => async (call, operation) => {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 500))
      return await next(call, operation)
    },
  })
  const s = shield(
    { name: 's', clock },
    timeout('10s'),
    retry({ maxRetries: 0 }),
    late,
    timeout('1s', { name: 'attempt' }),
  )
  let deadline: number | undefined
  const operation = (call: Call): Promise<string> => {
    deadline = call.deadline
    return new Promise((resolve) => void clock.setTimer(() => resolve('in time'), 900))
  }
  const answer = s.run(operation)
  await clock.advance('2s')
  expect(await answer).toBe('in time')
  expect(deadline).toBe(1_500)
})
