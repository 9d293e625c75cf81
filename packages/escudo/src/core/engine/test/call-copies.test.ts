import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, Shield } from '../../../index.ts'
import {
  bulkhead,
  circuitBreaker,
  constant,
  definePolicy,
  explain,
  fallback,
  retry,
  shield,
  timeout,
} from '../../../index.ts'

// A custom policy may pass on another call than it received. The change must take effect, or be rejected.

const passingOn = (change: (call: Call) => unknown): AnyPolicy =>
  definePolicy({
    name: 'custom',
    wrap: (next) => async (call, operation) => await next(change(call) as Call, operation),
  })

const shielded = (...policies: AnyPolicy[]): Shield => shield('s', ...(policies as never[])) as unknown as Shield

const innerPolicies: [string, () => AnyPolicy[]][] = [
  ['the operation', () => []],
  ['a retry', () => [retry({ maxRetries: 1, backoff: constant(0) })]],
  ['a timeout', () => [timeout('1s')]],
  ['a bulkhead', () => [bulkhead({ limit: 1 })]],
  ['a circuit breaker', () => [circuitBreaker()]],
  ['a fallback', () => [fallback(null, { when: () => false })]],
]

describe.each(innerPolicies)('a custom policy around %s', (_what, inside) => {
  test.each<[string, (call: Call) => unknown, Partial<Call>]>([
    ['a copy', (call) => ({ ...call }), {}],
    ['a copy with the same signal', (call) => ({ ...call, signal: call.signal }), {}],
    ['an object that inherits', (call) => Object.create(call), {}],
    ['a proxy', (call) => new Proxy(call, {}), {}],
    ['a copy with another key', (call) => ({ ...call, key: 'other' }), { key: 'other' }],
    ['a copy without a key', (call) => ({ ...call, key: undefined }), { key: undefined }],
    ['a copy with another priority', (call) => ({ ...call, priority: 7 }), { priority: 7 }],
    ['a copy with an earlier deadline', (call) => ({ ...call, deadline: 5 }), { deadline: 5 }],
  ])('may pass on %s', async (_how, change, changed) => {
    const s = shielded(passingOn(change), ...inside())
    const { signal } = new AbortController()
    let seen: Call | undefined
    const options = { key: 'k', priority: 2, signal }
    await s.run((call) => {
      seen = call
    }, options)
    expect(seen?.signal).toBeInstanceOf(AbortSignal)
    expect(seen).toMatchObject({ key: 'k', priority: 2, attempt: 1, ...changed })
    expect(seen?.clock.now()).toBeTypeOf('number')
    expect(seen?.random()).toBeTypeOf('number')
    const error = await s.run(() => Promise.reject(new Error('down')), options).catch((reason) => reason)
    expect(error).toMatchObject({ message: 'down' })
    expect(explain(error)?.policies[0]).toMatchObject({ name: 'custom', state: 'passed' })
  })

  test.each<[string, (call: Call) => unknown]>([
    ['a copy with the same signal', (call) => ({ ...call, signal: call.signal })],
    ['a copy with the same signal and another key', (call) => ({ ...call, key: 'k', signal: call.signal })],
    ['a copy of a copy', (call) => ({ ...call, attempt: 2, signal: call.signal })],
  ])('that passes on %s of a call that nothing can cancel keeps its signal', async (_how, change) => {
    const signals = new Set<AbortSignal>()
    const watching = passingOn((call) => {
      signals.add(call.signal)
      return change(call)
    })
    const operation = (call: Call): string => {
      // A timeout inside has a signal that it can abort.
      if (call.deadline === undefined) signals.add(call.signal)
      return 'answer'
    }
    expect(await shielded(watching, passingOn(change), ...inside()).run(operation)).toBe('answer')
    expect(signals.size).toBe(1)
  })

  test.each<[string, (call: Call) => unknown]>([
    ['an object that is no call', () => ({ attempt: 1 })],
    ['undefined', () => undefined],
    ['a copy with another signal', (call) => ({ ...call, signal: new AbortController().signal })],
    ['a copy with another clock', (call) => ({ ...call, clock: { ...call.clock } })],
    ['a copy with a number as its key', (call) => ({ ...call, key: 5 })],
    ['a copy with null as its key', (call) => ({ ...call, key: null })],
    ['a copy with a priority that cannot be compared', (call) => ({ ...call, priority: Number.NaN })],
    ['a copy with text as its priority', (call) => ({ ...call, priority: '9' })],
    ['a copy with a duration as its deadline', (call) => ({ ...call, deadline: '5s' })],
    ['a copy with a deadline that is no number', (call) => ({ ...call, deadline: Number.NaN })],
    ['a copy with attempt 0', (call) => ({ ...call, attempt: 0 })],
    ['a copy with text as its attempt', (call) => ({ ...call, attempt: '2' })],
    ['a copy with another random', (call) => ({ ...call, random: () => 0 })],
  ])('that passes on %s is rejected, and the operation is not called', async (_how, change) => {
    const policies = inside()
    let called = false
    const answer = shielded(passingOn(change), ...policies).run(() => {
      called = true
    })
    await expect(answer).rejects.toThrow(TypeError)
    await expect(answer).rejects.toThrow(/call|next\./)
    expect(called).toBe(false)
    expect(policies[0]?.status?.(0)['inUse'] ?? 0).toBe(0)
  })
})

test('notes on a copy with another key are part of the explanation of the call', async () => {
  const full = bulkhead({ limit: 1 })
  void shielded(full).run(() => new Promise(() => {}))
  const s = shielded(
    passingOn((call) => ({ ...call, key: 'other' })),
    full,
  )
  const error = await s.run(() => 1).catch((reason) => reason)
  expect(explain(error)?.policies).toMatchObject([{ state: 'passed' }, { state: 'full' }])
})

test('a copy may name the clock and the random source that the call has already', async () => {
  const copying = passingOn((call) => ({ ...call, clock: call.clock, random: call.random }))
  expect(await shielded(copying).run(() => 1)).toBe(1)
})

test('a copy with another key keeps the notes of all inner policies', async () => {
  const copying = passingOn((call) => ({ ...call, key: 'other' }))
  const breaker = circuitBreaker()
  breaker.isolate()
  const error = await shielded(copying, retry(), breaker)
    .run(() => 1)
    .catch((thrown) => thrown)
  expect(explain(error)?.policies.map(({ state }) => state)).toEqual([
    'passed',
    'refused for longer than the next delay',
    'isolated',
  ])
})
