import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { type Shield, shield } from '../../shield.ts'
import { EventHub, watchAll } from '../events.ts'

// The event `executed`: what each policy says of a call that it is done with.

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.restoreAllMocks()
})

const down = (): Promise<number> => Promise.reject(new Error('down'))
const never = (): Promise<number> => new Promise(() => {})
const Errors = defineErrors({ NOT_FOUND: { status: 404, message: 'Not found.' } })

/** The outcomes that a shield tells, with how often the operation was run. */
function told(of: Pick<Shield, 'on'>): string[] {
  const heard: string[] = []
  of.on('executed', ({ policy, outcome, attempts }) => heard.push(`${policy} ${outcome} ${attempts}`))
  return heard
}

describe('who hears it', () => {
  test('while nobody listens it is never made; those who listen to everything are not told', async () => {
    const emit = vi.spyOn(EventHub.prototype, 'emit')
    const all = vi.fn()
    ends.push(watchAll(all))
    await shield('x', timeout('1s'), retry(), circuitBreaker()).run(() => 42)
    expect(emit).not.toHaveBeenCalled()
    expect(all).not.toHaveBeenCalled()
  })

  test('those who ask for it by name are told, with its name, until they end', async () => {
    const heard = vi.fn()
    const end = watchAll(heard, ['executed', 'executed'])
    const guarded = shield('x', retry())
    await guarded.run(() => 42)
    end()
    await guarded.run(() => 42)
    expect(heard).toHaveBeenCalledExactlyOnceWith({
      type: 'executed',
      shield: 'x',
      policy: 'retry',
      policyType: 'retry',
      outcome: 'successful_without_retry',
      attempts: 1,
    })
    expect(() => watchAll(heard, ['nonsense' as never])).toThrow(TypeError)
  })

  test('when the last listener has ended, it is made no more', async () => {
    const guarded = shield('x', retry())
    guarded.on('executed', () => {})()
    watchAll(() => {}, ['executed'])()
    const emit = vi.spyOn(EventHub.prototype, 'emit')
    await guarded.run(() => 42)
    expect(emit).not.toHaveBeenCalled()
  })

  test('a listener of one shield hears that shield until it ends, and what it throws reaches no call', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const heard = vi.fn(() => {
      throw new Error('listener')
    })
    const mine = shield('mine', timeout('1s'))
    const end = mine.on('executed', heard)
    expect(await mine.run(() => 42)).toBe(42)
    await shield('other', timeout('1s')).run(() => 42)
    end()
    await mine.run(() => 42)
    expect(heard).toHaveBeenCalledTimes(1)
  })
})

describe('a policy tells nothing but outcomes that it declares', () => {
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
  ])('%s', async (_, answers, outcome) => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, retry(twice))
    const heard = told(guarded)
    const queue: (() => unknown)[] = [...answers]
    const call = guarded.run(() => queue.shift()?.()).catch(() => {})
    await clock.advance('5s')
    await call
    expect(heard).toEqual([outcome])
  })

  test('without retries a failure is one without retry', async () => {
    const guarded = shield('x', retry({ maxRetries: 0 }))
    const heard = told(guarded)
    await guarded.run(down).catch(() => {})
    expect(heard).toEqual(['retry failed_without_retry 1'])
  })

  test('given up by its caller during the delay it is ignored', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, timeout('5s'), retry(twice))
    const heard = told(guarded)
    const caller = new AbortController()
    const call = guarded.run(down, { signal: caller.signal }).catch(() => {})
    await clock.advance(1)
    caller.abort()
    await call
    await clock.advance('1s')
    expect(heard.sort()).toEqual(['retry ignored 1', 'timeout aborted 1'])
  })

  test('a classifier that throws is our bug, and told as ignored', async () => {
    const classify = (): never => {
      throw new Error('classifier')
    }
    const guarded = shield('x', retry({ classify }))
    const heard = told(guarded)
    await expect(guarded.run(() => 1)).rejects.toThrow('classifier')
    expect(heard).toEqual(['retry ignored 1'])
  })

  test('so it is where it throws after a failure that it judged', async () => {
    let judged = 0
    const classify = () => {
      judged += 1
      if (judged === 2) throw new Error('classifier')
      return 'failure' as const
    }
    const guarded = shield('x', retry({ classify, backoff: constant(0) }))
    const heard = told(guarded)
    await expect(guarded.run(() => 1)).rejects.toThrow('classifier')
    expect(heard).toEqual(['retry ignored 2'])
  })
})

describe('circuit breaker', () => {
  test('each verdict; a refusal is no execution', async () => {
    const guarded = shield('x', circuitBreaker({ trip: consecutive(1) }))
    const heard = told(guarded)
    await guarded.run(() => 1)
    await guarded.run(() => Promise.reject(new Errors.NOT_FOUND())).catch(() => {})
    await guarded.run(down).catch(() => {})
    await guarded.run(() => 1).catch(() => {})
    expect(heard).toEqual(['circuitBreaker success 1', 'circuitBreaker ignored 1', 'circuitBreaker failure 1'])
  })

  test('a deaf operation is told when it is cut, and not again when it ends', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, timeout('1s'), circuitBreaker())
    const heard = told(guarded)
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
    expect(heard.sort()).toEqual(['circuitBreaker failure 1', 'timeout timed_out 1'])
  })

  test('a result that comes too late for the state is an execution all the same', async () => {
    const breaker = circuitBreaker()
    const guarded = shield('x', breaker)
    const heard = told(guarded)
    const late = vi.fn()
    guarded.on('late', late)
    const call = guarded.run(async () => 1)
    breaker.isolate()
    await call
    expect(heard).toEqual(['circuitBreaker success 1'])
    expect(late).toHaveBeenCalledOnce()
  })
})

test('timeout: in time is also what failed by itself; aborted is what was given up from further out', async () => {
  const clock = virtualClock()
  const guarded = shield({ name: 'x', clock }, timeout('2s', { name: 'outer' }), timeout('1s', { name: 'inner' }))
  const heard = told(guarded)
  await guarded.run(() => 1)
  await guarded.run(down).catch(() => {})
  const slow = guarded.run(never).catch(() => {})
  await clock.advance('3s')
  await slow
  const caller = new AbortController()
  const given = guarded.run(never, { signal: caller.signal }).catch(() => {})
  caller.abort()
  await given
  expect([...heard.slice(0, 6), ...heard.slice(6).sort()]).toEqual([
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
