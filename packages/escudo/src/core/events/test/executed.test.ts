import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { shield } from '../../shield.ts'
import type { Shield } from '../../shield-types.ts'
import { EventHub, watchAll } from '../events.ts'

// The event `executed`: what each policy reports when it has finished a call.

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.restoreAllMocks()
})

const down = (): Promise<number> => Promise.reject(new Error('down'))
const never = (): Promise<number> => new Promise(() => {})
const Errors = defineErrors({ NOT_FOUND: { status: 404, message: 'Not found.' } })

/** Collects the outcomes that a shield emits, with the number of attempts. */
function collectOutcomes(of: Pick<Shield, 'on'>): string[] {
  const outcomes: string[] = []
  of.on('executed', ({ policy, outcome, attempts }) => outcomes.push(`${policy} ${outcome} ${attempts}`))
  return outcomes
}

describe('listeners of executed', () => {
  test('are not those of watchAll() without names, and without listeners no event is built', async () => {
    const emit = vi.spyOn(EventHub.prototype, 'emitExecuted')
    const all = vi.fn()
    ends.push(watchAll(all))
    await shield('x', timeout('1s'), retry(), circuitBreaker()).run(() => 42)
    expect(emit).not.toHaveBeenCalled()
    expect(all).not.toHaveBeenCalled()
  })

  test('receive it with its name if they name it, until they unsubscribe', async () => {
    const listener = vi.fn()
    const unsubscribe = watchAll(listener, ['executed', 'executed'])
    const guarded = shield('x', retry())
    await guarded.run(() => 42)
    unsubscribe()
    await guarded.run(() => 42)
    expect(listener).toHaveBeenCalledExactlyOnceWith({
      type: 'executed',
      shield: 'x',
      policy: 'retry',
      policyType: 'retry',
      outcome: 'successful_without_retry',
      attempts: 1,
      durationMs: expect.any(Number),
    })
    expect(() => watchAll(listener, ['nonsense' as never])).toThrow(TypeError)
  })

  test('cause no event any more after the last one has unsubscribed', async () => {
    const guarded = shield('x', retry())
    guarded.on('executed', () => {})()
    watchAll(() => {}, ['executed'])()
    const emit = vi.spyOn(EventHub.prototype, 'emitExecuted')
    await guarded.run(() => 42)
    expect(emit).not.toHaveBeenCalled()
  })

  test('of one shield receive its events only, and their errors do not affect calls', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const listener = vi.fn(() => {
      throw new Error('listener')
    })
    const observed = shield('observed', timeout('1s'))
    const unsubscribe = observed.on('executed', listener)
    expect(await observed.run(() => 42)).toBe(42)
    await shield('other', timeout('1s')).run(() => 42)
    unsubscribe()
    await observed.run(() => 42)
    expect(listener).toHaveBeenCalledTimes(1)
  })
})

describe('a policy declares its outcomes, each once', () => {
  test.each([retry(), circuitBreaker(), timeout('1s')])('$type', (policy) => {
    expect(policy.countable?.outcomes?.length).toBeGreaterThan(0)
    expect(new Set(policy.countable?.outcomes).size).toBe(policy.countable?.outcomes?.length)
  })
})

describe('retry', () => {
  const twice = { maxRetries: 2, backoff: constant('1s') } as const

  test.each<readonly [string, readonly (() => unknown)[], string]>([
    ['a success', [() => 1], 'retry successful_without_retry 1'],
    ['a success after a failure', [down, () => 1], 'retry successful_with_retry 2'],
    ['failures to the end', [down, down, down], 'retry failed_with_retry 3'],
    ['a business error', [() => Promise.reject(new Errors.NOT_FOUND())], 'retry ignored 1'],
    ['a business error after a failure', [down, () => Promise.reject(new Errors.NOT_FOUND())], 'retry ignored 2'],
  ])('reports %s', async (_, answers, outcome) => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, retry(twice))
    const outcomes = collectOutcomes(guarded)
    const queue: (() => unknown)[] = [...answers]
    const call = guarded.run(() => queue.shift()?.()).catch(() => {})
    await clock.advance('5s')
    await call
    expect(outcomes).toEqual([outcome])
  })

  test('reports failed_without_retry if it has no retries', async () => {
    const guarded = shield('x', retry({ maxRetries: 0 }))
    const outcomes = collectOutcomes(guarded)
    await guarded.run(down).catch(() => {})
    expect(outcomes).toEqual(['retry failed_without_retry 1'])
  })

  test('reports ignored if the caller aborts during the delay', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, timeout('5s'), retry(twice))
    const outcomes = collectOutcomes(guarded)
    const caller = new AbortController()
    const call = guarded.run(down, { signal: caller.signal }).catch(() => {})
    await clock.advance(1)
    caller.abort()
    await call
    await clock.advance('1s')
    expect(outcomes.sort()).toEqual(['retry ignored 1', 'timeout aborted 1'])
  })

  test('reports a failure if the timeout of an outer shield expires during the delay', async () => {
    const clock = virtualClock()
    const outer = shield({ name: 'outer', clock }, timeout('1s'))
    const guarded = shield({ name: 'x', clock }, retry({ backoff: constant('5s') }))
    const outcomes = collectOutcomes(guarded)
    const call = outer.run(({ signal }) => guarded.run(down, { signal })).catch(() => {})
    await clock.advance('1s')
    await call
    expect(outcomes).toEqual(['retry failed_without_retry 1'])
  })

  test('reports ignored if the classifier throws', async () => {
    const classify = (): never => {
      throw new Error('classifier')
    }
    const guarded = shield('x', retry({ classify }))
    const outcomes = collectOutcomes(guarded)
    await expect(guarded.run(() => 1)).rejects.toThrow('classifier')
    expect(outcomes).toEqual(['retry ignored 1'])
  })

  test('reports ignored if the classifier throws at the second attempt', async () => {
    let judged = 0
    const classify = () => {
      judged += 1
      if (judged === 2) throw new Error('classifier')
      return 'failure' as const
    }
    const guarded = shield('x', retry({ classify, backoff: constant(0) }))
    const outcomes = collectOutcomes(guarded)
    await expect(guarded.run(() => 1)).rejects.toThrow('classifier')
    expect(outcomes).toEqual(['retry ignored 2'])
  })
})

describe('circuit breaker', () => {
  test('reports each verdict, and nothing for a refusal', async () => {
    const guarded = shield('x', circuitBreaker({ trip: consecutive(1) }))
    const outcomes = collectOutcomes(guarded)
    await guarded.run(() => 1)
    await guarded.run(() => Promise.reject(new Errors.NOT_FOUND())).catch(() => {})
    await guarded.run(down).catch(() => {})
    await guarded.run(() => 1).catch(() => {})
    expect(outcomes).toEqual(['circuitBreaker success 1', 'circuitBreaker ignored 1', 'circuitBreaker failure 1'])
  })

  test('reports a cancelled call at once, and not again when the operation ends', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, timeout('1s'), circuitBreaker())
    const outcomes = collectOutcomes(guarded)
    let finish = (): void => {}
    const call = guarded.run(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    const caught = call.catch(() => {})
    await clock.advance('1s')
    await caught
    finish()
    await clock.advance('1s')
    expect(outcomes.sort()).toEqual(['circuitBreaker failure 1', 'timeout timed_out 1'])
  })

  test('reports a result that is too late for the state', async () => {
    const breaker = circuitBreaker()
    const guarded = shield('x', breaker)
    const outcomes = collectOutcomes(guarded)
    const late = vi.fn()
    guarded.on('late', late)
    const call = guarded.run(async () => 1)
    breaker.isolate()
    await call
    expect(outcomes).toEqual(['circuitBreaker success 1'])
    expect(late).toHaveBeenCalledOnce()
  })
})

test('timeout: a failure in time is in_time, a cancellation from outside is aborted', async () => {
  const clock = virtualClock()
  const guarded = shield({ name: 'x', clock }, timeout('2s', { name: 'outer' }), timeout('1s', { name: 'inner' }))
  const outcomes = collectOutcomes(guarded)
  await guarded.run(() => 1)
  await guarded.run(down).catch(() => {})
  const slow = guarded.run(never).catch(() => {})
  await clock.advance('3s')
  await slow
  const caller = new AbortController()
  const aborted = guarded.run(never, { signal: caller.signal }).catch(() => {})
  caller.abort()
  await aborted
  expect([...outcomes.slice(0, 6), ...outcomes.slice(6).sort()]).toEqual([
    'inner in_time 1',
    'outer in_time 1',
    'inner in_time 1',
    'outer in_time 1',
    'inner timed_out 1',
    'outer in_time 1',
    'inner aborted 1',
    'outer aborted 1',
  ])
})
