import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  ConfigurationError,
  cache,
  circuitBreaker,
  constant,
  definePolicy,
  fallback,
  retry,
  retryBudget,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const fail = (): Promise<never> => Promise.reject(new Error('down'))

/** A custom policy with one option, `n`, and what happened to it. */
function custom(name = 'custom') {
  const log: string[] = []
  let n = 1
  const policy = definePolicy({
    name,
    wrap: (next) => {
      log.push('wrapped')
      return (call, operation) => next(call, operation)
    },
    reconfigure: (options) => {
      const wanted = options['n']
      if (typeof wanted !== 'number') throw new ConfigurationError(`${name}.n`, 'expected a number')
      return {
        before: { n },
        apply: () => {
          n = wanted
          log.push(`n = ${n}`)
        },
      }
    },
  })
  return { policy, log }
}

describe('shield.reconfigure()', () => {
  test('changes options by the name of the policy', async () => {
    const s = shield('names', retry({ maxRetries: 3, backoff: constant(1) }), retry({ name: 'inner', maxRetries: 0 }))
    s.reconfigure({ retry: { maxRetries: 0 }, inner: { maxRetries: 1, backoff: constant(1) } })
    let calls = 0
    await s
      .run(() => {
        calls += 1
        return fail()
      })
      .catch(() => {})
    expect(calls).toBe(2)
  })

  test.each([
    ['an unknown policy', { retries: {} }, 'reconfigure.retries'],
    ['an unknown option', { retry: { maxRetrys: 1 } }, 'maxRetrys'],
    ['an invalid value', { retry: { maxRetries: -1 } }, 'retry.maxRetries'],
    ['options that are no object', { retry: 3 }, 'reconfigure.retry'],
    ['an array', { retry: [] }, 'reconfigure.retry'],
    ['no options at all', undefined, 'reconfigure'],
    ['a name', { retry: { name: 'other' } }, 'retry.name'],
    ['a policy without options', { passive: { n: 1 } }, "'passive' has no options that can change"],
  ])('refuses %s and changes nothing', async (_, options, message) => {
    const passive = definePolicy({ name: 'passive', wrap: (next) => (call, operation) => next(call, operation) })
    const s = shield('refused', bulkhead({ limit: 3 }), retry({ maxRetries: 0 }), passive)
    const told = vi.fn()
    s.on('reconfigured', told)
    const all = options === undefined ? undefined : { bulkhead: { limit: 7 }, ...options }
    expect(() => s.reconfigure(all as never)).toThrow(message)
    expect(() => s.reconfigure(all as never)).toThrow(ConfigurationError)
    expect(s.status().policies[0]).toMatchObject({ limit: 3 })
    expect(told).not.toHaveBeenCalled()
  })

  test('checks the order of the policies with the new options, all of them together', () => {
    const s = shield('order', timeout('2s', { name: 'total' }), timeout('1s', { name: 'attempt' }))
    expect(() => s.reconfigure({ attempt: { after: '3s' } })).toThrow('would never fire')
    expect(() => s.reconfigure({ total: { after: '500ms' } })).toThrow('would never fire')
    s.reconfigure({ total: { after: '10s' }, attempt: { after: '3s' } })
    // It was applied: the old total would no longer fit.
    expect(() => s.reconfigure({ total: { after: '2s' } })).toThrow('of 3000 ms is inside')
  })

  test('tells what changed, before and after, once for all policies', () => {
    const clock = virtualClock()
    const s = shield({ name: 'told', clock }, retry({ maxRetries: 3 }), bulkhead({ limit: 20 }), fallback(0))
    const told = vi.fn()
    s.on('reconfigured', told)
    s.reconfigure({ retry: { maxRetries: 0, maxTotal: '5s' }, bulkhead: { limit: 5 } })
    expect(told.mock.calls).toEqual([
      [
        {
          shield: 'told',
          at: 0,
          before: { retry: { maxRetries: 3, maxTotal: undefined }, bulkhead: { limit: 20 } },
          after: { retry: { maxRetries: 0, maxTotal: '5s' }, bulkhead: { limit: 5 } },
        },
      ],
    ])
    s.reconfigure({})
    expect(told).toHaveBeenCalledTimes(1)
  })

  test('an option that is undefined gets its default', () => {
    const s = shield('defaults', bulkhead({ limit: 1, queue: 7 }))
    s.reconfigure({ bulkhead: { queue: undefined } })
    expect(s.status().policies[0]).toMatchObject({ limit: 1, queueLimit: 0 })
  })

  test('later mutation of options that were passed changes nothing', () => {
    const options = { limit: 5, queue: 1 }
    const s = shield('mutated', bulkhead(options))
    options.limit = -1
    s.reconfigure({ bulkhead: { queue: 2 } })
    expect(s.status().policies[0]).toMatchObject({ limit: 5, queueLimit: 2 })
  })

  test('the last of two changes wins, also when a listener makes the second one', () => {
    const s = shield('two', bulkhead({ limit: 1 }))
    s.reconfigure({ bulkhead: { limit: 2 } })
    s.reconfigure({ bulkhead: { limit: 3 } })
    expect(s.status().policies[0]).toMatchObject({ limit: 3 })
    let told = 0
    s.on('reconfigured', () => {
      told += 1
      if (told === 1) s.reconfigure({ bulkhead: { limit: 5 } })
    })
    s.reconfigure({ bulkhead: { limit: 4 } })
    expect(s.status().policies[0]).toMatchObject({ limit: 5 })
    expect(told).toBe(2)
  })

  test('refuses a budget of another clock, and changes nothing', () => {
    const budget = retryBudget()
    shield('elsewhere', retry({ budget }))
    const s = shield({ name: 'here', clock: virtualClock() }, bulkhead({ limit: 1 }), retry())
    expect(() => s.reconfigure({ bulkhead: { limit: 2 }, retry: { budget } })).toThrow('retry.budget')
    expect(s.status().policies[0]).toMatchObject({ limit: 1 })
  })

  test('a disabled shield takes new options and uses them once it is enabled', async () => {
    const s = shield('disabled', retry({ maxRetries: 0, backoff: constant(1) }))
    let calls = 0
    const count = (): Promise<never> => {
      calls += 1
      return fail()
    }
    s.disable()
    s.reconfigure({ retry: { maxRetries: 2 } })
    await s.run(count).catch(() => {})
    expect(calls).toBe(1)
    s.enable()
    await s.run(count).catch(() => {})
    expect(calls).toBe(4)
  })
})

describe('a policy of several shields', () => {
  test('changes in all of them, and each tells it under its own names', async () => {
    const shared = retry({ maxRetries: 0, backoff: constant(1) })
    const one = shield('one', shared)
    const two = shield('two', retry({ maxRetries: 0 }), shared)
    const told: unknown[] = []
    one.on('reconfigured', ({ shield, after }) => told.push([shield, after]))
    two.on('reconfigured', ({ shield, after }) => told.push([shield, after]))
    one.reconfigure({ retry: { maxRetries: 2 } })
    let calls = 0
    await two
      .run(() => {
        calls += 1
        return fail()
      })
      .catch(() => {})
    expect(calls).toBe(3)
    expect(told).toEqual([
      ['one', { retry: { maxRetries: 2 } }],
      ['two', { 'retry-2': { maxRetries: 2 } }],
    ])
  })

  test('is checked in all of them', () => {
    const shared = timeout('1s')
    const alone = shield('alone', shared)
    const nested = shield('nested', timeout('2s', { name: 'total' }), shared)
    expect(() => alone.reconfigure({ timeout: { after: '3s' } })).toThrow("shield 'nested'")
    expect(nested.policy('timeout')?.settings).toEqual({ afterMs: 1_000 })
  })
})

describe('custom policies', () => {
  test('take part with definePolicy({ reconfigure }), and are wrapped only once', async () => {
    const { policy, log } = custom()
    const s = shield('custom', retry({ maxRetries: 0 }), policy, bulkhead({ limit: 1 }))
    const told = vi.fn()
    s.on('reconfigured', told)
    s.reconfigure({ custom: { n: 2 }, bulkhead: { limit: 2 } })
    expect(log).toEqual(['wrapped', 'n = 2'])
    expect(told.mock.calls[0]?.[0]).toMatchObject({ before: { custom: { n: 1 } }, after: { custom: { n: 2 } } })
    // The layers around and inside the custom policy are new.
    s.reconfigure({ retry: { maxRetries: 1, backoff: constant(1) } })
    expect(await Promise.all([s.run(async () => 1), s.run(async () => 2)])).toEqual([1, 2])
  })

  test('that refuse change nothing, whatever their position', () => {
    const { policy, log } = custom()
    const s = shield('refusing', bulkhead({ limit: 1 }), policy)
    expect(() => s.reconfigure({ bulkhead: { limit: 2 }, custom: { n: 'two' } })).toThrow('custom.n')
    expect(log).toEqual(['wrapped'])
    expect(s.status().policies[0]).toMatchObject({ limit: 1 })
  })

  test('that throw when they apply leave the built-in policies as they were', () => {
    const policy = definePolicy({
      name: 'broken',
      wrap: (next) => (call, operation) => next(call, operation),
      reconfigure: () => ({
        apply: () => {
          throw new Error('against the contract')
        },
      }),
    })
    const s = shield('broken', bulkhead({ limit: 1 }), policy)
    expect(() => s.reconfigure({ bulkhead: { limit: 2 }, broken: {} })).toThrow('against the contract')
    expect(s.status().policies[0]).toMatchObject({ limit: 1 })
  })

  test('that throw when they apply give the policies before them their old options again', async () => {
    const broken = definePolicy({
      name: 'broken',
      wrap: (next) => (call, operation) => next(call, operation),
      reconfigure: () => ({
        apply: () => {
          throw new Error('against the contract')
        },
      }),
    })
    const clock = virtualClock()
    const { policy, log } = custom()
    const s = shield({ name: 'rolled back', clock }, cache<number>({ ttl: '1m' }), policy, broken)
    const told = vi.fn()
    s.on('reconfigured', told)
    const options = { cache: { ttl: '1s' }, custom: { n: 2 }, broken: {} }
    expect(() => s.reconfigure(options)).toThrow('against the contract')
    expect(log).toEqual(['wrapped', 'n = 2', 'n = 1'])
    expect(told).not.toHaveBeenCalled()
    await s.run(async () => 1, { key: 'a' })
    await clock.advance('30s')
    expect(await s.run(async () => 2, { key: 'a' })).toBe(1)
  })

  test.each([
    ['a promise', async () => ({ apply: () => {} })],
    ['nothing', () => undefined],
    ['no apply', () => ({ before: {} })],
  ])('that return %s are refused', (_, reconfigure) => {
    const wrap = <N>(next: N): N => next
    const policy = definePolicy({ name: 'odd', wrap: wrap as never, reconfigure: reconfigure as never })
    expect(() => shield('odd', policy).reconfigure({ odd: {} })).toThrow('reconfigure.odd')
  })

  test('a built-in policy whose `wrap` was replaced cannot change', () => {
    const observed = retry()
    const { wrap } = observed
    observed.wrap = (next, binding) => wrap.call(observed, next, binding) as never
    expect(() => shield('observed', observed).reconfigure({ retry: { maxRetries: 0 } })).toThrow(
      'no options that can change',
    )
  })
})

test('calls in flight keep their options', async () => {
  const clock = virtualClock()
  const s = shield(
    { name: 'flight', clock },
    timeout('10s'),
    retry({ maxRetries: 2, backoff: constant('1s') }),
    circuitBreaker(),
  )
  let calls = 0
  const error = s
    .run(() => {
      calls += 1
      return fail()
    })
    .catch((reason) => reason)
  s.reconfigure({ timeout: { after: '500ms' }, retry: { maxRetries: 0 } })
  await clock.advance('5s')
  expect(await error).toMatchObject({ message: 'down' })
  expect(calls).toBe(3)
  // A new call has the new ones.
  calls = 0
  await s
    .run(() => {
      calls += 1
      return fail()
    })
    .catch(() => {})
  expect(calls).toBe(1)
})
