import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test, vi } from 'vitest'
import {
  type CircuitBreakerOptions,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  definePolicy,
  explain,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, gate, setUp } from './setup.ts'

/** A shield whose circuit is half-open. */
async function halfOpen(options: CircuitBreakerOptions = {}) {
  const parts = setUp(options)
  await parts.errorOf(fail, options.perKey === undefined ? {} : { key: 'a' })
  await parts.clock.advance('10s')
  return parts
}

const codeOf = (error: { code?: string; message: string }): string => error.code ?? error.message

describe('a call inside a call that holds a probe', () => {
  test('goes through, and the circuit closes at the first success', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const db = shield({ name: 'db', clock }, breaker)
    const getUser = db.wrap(async (id: number) => ({ id }))
    const getOrder = db.wrap(async () => getUser(7))
    await db.run(fail).catch(() => {})
    const days: unknown[] = []
    for (let day = 0; day < 3; day += 1) {
      await clock.advance('24h')
      days.push([await getOrder().catch(codeOf), breaker.state])
    }
    expect(days).toEqual(Array(3).fill([{ id: 7 }, 'closed']))
  })

  test('goes through at any depth, and so do calls one after another', async () => {
    const { s, breaker } = await halfOpen()
    const dive = async (depth: number): Promise<number> => {
      if (depth === 0) return 1
      await undefined
      return (await s.run(() => dive(depth - 1))) + (await s.run(() => dive(depth - 1)))
    }
    expect(await s.run(() => dive(4))).toBe(16)
    expect(breaker.state).toBe('closed')
  })

  test('counts nothing: only the outcome of the outer call decides', async () => {
    const caught = await halfOpen()
    expect(await caught.s.run(() => caught.s.run(fail).catch(() => 'substitute'))).toBe('substitute')
    expect(caught.breaker.state).toBe('closed')

    const failed = await halfOpen()
    const late: unknown[] = []
    failed.s.on('late', (event) => late.push(event))
    await failed.errorOf(async () => {
      await failed.s.run(() => 'fine')
      expect(failed.breaker.state).toBe('half-open')
      throw new Error('down')
    })
    expect([failed.breaker.state, late]).toEqual(['open', []])
  })

  test('reports the outcome `ignored`, and explains its failure with the state of the circuit', async () => {
    const { s } = await halfOpen()
    const outcomes: string[] = []
    s.on('executed', ({ outcome }) => outcomes.push(outcome))
    let inner: unknown
    await s.run(() => s.run(fail).catch((error) => (inner = error)))
    expect(outcomes).toEqual(['ignored', 'success'])
    expect(explain(inner)?.policies[0]).toMatchObject({ state: 'half-open' })
  })

  test('rides alone: a second one at the same time is refused, and one after it rides', async () => {
    const { s, breaker } = await halfOpen()
    const { promise, resolve } = gate()
    const outer = s.run(async () => {
      const first = s.run(() => promise)
      const second = await s.run(() => 'not called').catch(codeOf)
      resolve('first')
      return [await first, second, await s.run(() => 'third')]
    })
    expect(await outer).toEqual(['first', 'CIRCUIT_OPEN', 'third'])
    expect(breaker.state).toBe('closed')
  })

  test('takes a separate probe if another call rides and a probe is free', async () => {
    const { s, breaker } = await halfOpen({ halfOpen: { probes: 2 } })
    const [first, second] = [gate(), gate()]
    const outer = s.run(async () => {
      const calls = [s.run(() => first.promise), s.run(() => second.promise)]
      expect(await s.run(() => 'third').catch(codeOf)).toBe('CIRCUIT_OPEN')
      first.resolve('rides')
      second.resolve('probes')
      return await Promise.all(calls)
    })
    expect(await outer).toEqual(['rides', 'probes'])
    expect(breaker.state).toBe('closed')
  })

  test('leaves the other probes to other calls', async () => {
    const { s, breaker } = await halfOpen({ halfOpen: { probes: 2 } })
    const { promise, resolve } = gate()
    const outer = s.run(() => s.run(() => promise))
    const other = s.run(() => 'other')
    expect(await other).toBe('other')
    expect(breaker.state).toBe('half-open')
    resolve('inner')
    expect([await outer, breaker.state]).toEqual(['inner', 'closed'])
  })

  test('goes through in another shield with the same breaker, and with the same key only', async () => {
    const { clock, breaker, s } = await halfOpen({ perKey: {} })
    const other = shield({ name: 'other', clock }, breaker)
    await s.run(fail, { key: 'b' }).catch(() => {})
    await clock.advance('10s')
    const { promise, resolve } = gate()
    const holding = s.run(() => promise, { key: 'b' })
    const outer = s.run(
      async () => [
        await other.run(() => 'rides', { key: 'a' }),
        await other.run(() => 'refused', { key: 'b' }).catch(codeOf),
      ],
      { key: 'a' },
    )
    expect(await outer).toEqual(['rides', 'CIRCUIT_OPEN'])
    resolve('ok')
    await holding
    expect([breaker.stateOf('a'), breaker.stateOf('b')]).toEqual(['closed', 'closed'])
  })

  test('made by a custom policy inside the breaker rides too', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const login = shield({ name: 'login', clock }, breaker)
    const session = definePolicy({
      name: 'session',
      wrap: (next) => async (call, operation) => {
        await login.run(() => 'token')
        return await next(call, operation)
      },
    })
    const s = shield({ name: 's', clock }, breaker, session)
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    expect([await s.run(() => 'in'), breaker.state]).toEqual(['in', 'closed'])
  })
})

test('a flight inside a probe rides, whichever of its callers holds the probe', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
  const db = shield({ name: 'db', clock }, breaker)
  const users = shield({ name: 'users', clock }, coalesce())
  const load = async () => {
    await new Promise<void>((go) => void clock.setTimer(go, 1))
    return await db.run(() => 'user')
  }
  await db.run(fail).catch(() => {})
  await clock.advance('10s')
  const outside = users.run(load, { key: 'a' })
  const inside = db.run(() => users.run(load, { key: 'a' }))
  await clock.advance(1)
  expect([await outside, await inside, breaker.state]).toEqual(['user', 'user', 'closed'])
})

describe('a ride ends', () => {
  test.each([false, true])('with the probe, after a timeout (with a rider: %s)', async (withRider) => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const s = shield({ name: 's', clock }, timeout('1s'), breaker)
    const plain = shield({ name: 'plain', clock }, breaker)
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    let later: unknown
    let riding: Promise<unknown> = Promise.resolve('late')
    const { promise, resolve } = gate()
    const late: unknown[] = []
    plain.on('late', (event) => late.push(event))
    const outer = s.run(async () => {
      if (withRider) riding = plain.run(() => promise)
      await new Promise<void>((go) => void clock.setTimer(go, 11_000))
      later = await Promise.all([s.run(async () => 'new probe'), s.run(() => 'refused').catch(codeOf)])
    })
    outer.catch(() => {})
    await clock.advance('1s')
    await expect(outer).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(breaker.state).toBe('open')
    await clock.advance('10s')
    // The circuit has been half-open again. The operation ran on, and found no probe. The rider settles only now.
    resolve('late')
    expect([await riding, breaker.state, late]).toEqual(['late', 'closed', []])
    expect(later).toEqual(['new probe', 'CIRCUIT_OPEN'])
  })

  test('with the lease of the probe, even if its timer is late', async () => {
    const { s, clock, breaker } = await halfOpen({ halfOpen: { lease: '1s' } })
    let blockedMs = 0
    const now = clock.now
    vi.spyOn(clock, 'now').mockImplementation(() => now.call(clock) + blockedMs)
    const outer = s.run(() => {
      blockedMs = 1_000
      return s.run(() => 'not called').catch(codeOf)
    })
    expect([await outer, breaker.state]).toEqual(['CIRCUIT_OPEN', 'open'])
  })

  test('when the riding call is cancelled, though its operation still runs', async () => {
    const { s, clock, breaker } = await halfOpen()
    const inner = shield({ name: 'inner', clock }, timeout('1s'), breaker)
    const outer = s.run(async () => {
      const first = await inner.run(() => new Promise(() => {})).catch(codeOf)
      return [first, await inner.run(() => 'second')]
    })
    await clock.advance('1s')
    expect([await outer, breaker.state]).toEqual([['TIMEOUT', 'second'], 'closed'])
  })

  test('after that of a call which it does not wait for: still one rides at a time', async () => {
    const { s } = await halfOpen()
    const { promise, resolve } = gate()
    let detached: Promise<unknown> = Promise.resolve()
    const outer = s.run(async () => {
      await s.run(() => {
        detached = s.run(() => promise)
      })
      const meanwhile = await s.run(() => 'not called').catch(codeOf)
      resolve('detached')
      await detached
      return [meanwhile, await s.run(() => 'afterwards')]
    })
    expect(await outer).toEqual(['CIRCUIT_OPEN', 'afterwards'])
  })

  test('with a manual change of the circuit', async () => {
    for (const change of ['isolate', 'reset', 'disable'] as const) {
      const { s, breaker } = await halfOpen()
      await s.run(() => {
        breaker[change]()
        return s.run(() => 1).catch(() => {})
      })
      expect(breaker.state).toBe({ isolate: 'isolated', reset: 'closed', disable: 'disabled' }[change])
    }
  })
})

test('a retry outside the breaker of the inner call rides again at each attempt', async () => {
  const { s, clock, breaker } = await halfOpen()
  const inner = shield({ name: 'inner', clock }, retry({ maxRetries: 2, backoff: constant(10) }), breaker)
  let attempts = 0
  const outer = s.run(() =>
    inner.run(async () => {
      attempts += 1
      if (attempts < 3) throw new Error('down')
      return attempts
    }),
  )
  await clock.advance(20)
  expect([await outer, breaker.state]).toEqual([3, 'closed'])
})

test('under `observe` a call inside a probe rides and takes no second probe', async () => {
  const { s, breaker } = await halfOpen({ mode: 'observe', halfOpen: { probes: 2 } })
  await s.run(() => s.run(() => 1))
  expect(breaker.state).toBe('half-open')
  await s.run(() => 1)
  expect(breaker.state).toBe('closed')
})

test('the health check is outside the call whose failure opened the circuit again', async () => {
  const seen: unknown[] = []
  const store = new AsyncLocalStorage<string>()
  const { s, clock, breaker } = setUp({
    probe: { operation: () => void seen.push(store.getStore()), every: '15s' },
  })
  await s.run(fail).catch(() => {})
  await clock.advance('10s')
  await store.run('a call', () => s.run(fail).catch(() => {}))
  await clock.advance('15s')
  expect([seen, breaker.state]).toEqual([[undefined], 'closed'])
})

describe('the asynchronous context', () => {
  test.each(['closed', 'open', 'disabled', 'isolated'] as const)('is not touched while %s', async (state) => {
    const { s, breaker, errorOf } = setUp()
    if (state === 'open') await errorOf(fail)
    if (state === 'disabled') breaker.disable()
    if (state === 'isolated') breaker.isolate()
    const spies = [vi.spyOn(AsyncLocalStorage.prototype, 'run'), vi.spyOn(AsyncLocalStorage.prototype, 'getStore')]
    try {
      for (let n = 0; n < 3; n += 1) await errorOf(() => s.run(() => 1))
      await errorOf(() => 1)
      expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0])
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })

  test('is entered by a probe alone', async () => {
    const { s } = await halfOpen()
    const spy = vi.spyOn(AsyncLocalStorage.prototype, 'run')
    // Without a store a timer is set outside the context.
    const entered = () => spy.mock.calls.filter(([store]) => store !== undefined).length
    try {
      await s.run(() => 1)
      expect(entered()).toBe(1)
      await s.run(() => 1)
      expect(entered()).toBe(1)
    } finally {
      spy.mockRestore()
    }
  })
})
