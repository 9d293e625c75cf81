import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type Clock, circuitBreaker, consecutive, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, gate, never, setUp } from './setup.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('one circuit per key', () => {
  test('each key has its own circuit, and `__proto__` is an ordinary key', async () => {
    const { breaker, errorOf, s } = setUp({ perKey: {} })
    for (const key of ['__proto__', 'constructor', '']) {
      await errorOf(fail, { key })
      expect(breaker.stateOf(key)).toBe('open')
      expect(await errorOf(() => 1, { key })).toMatchObject({ code: 'CIRCUIT_OPEN' })
    }
    expect(await s.run(() => 1, { key: 'a' })).toBe(1)
    expect(breaker.stateOf('toString')).toBe('closed')
    expect(({} as { state?: unknown }).state).toBeUndefined()
  })

  test('`state` is the state of the circuit for calls without a key', async () => {
    const { breaker, errorOf, status } = setUp({ perKey: {} })
    await errorOf(fail, { key: 'a' })
    expect([breaker.state, breaker.stateOf('a')]).toEqual(['closed', 'open'])
    expect(status()).toMatchObject({ state: 'closed', failures: 0, keys: 1 })
    await errorOf(fail)
    expect([breaker.state, breaker.stateOf('undefined')]).toEqual(['open', 'closed'])
    expect(status()).toMatchObject({ state: 'open', failures: 1, keys: 2 })
  })

  test('stateOf and save neither use nor create a key', async () => {
    const { breaker, s, status } = setUp({ perKey: { maxKeys: 2 } })
    for (const key of ['a', 'b']) await s.run(() => 1, { key })
    for (let n = 0; n < 100; n += 1) {
      breaker.stateOf(`unknown ${n}`)
      breaker.save(`unknown ${n}`)
    }
    expect(status()).toMatchObject({ keys: 2 })
  })

  test('a million keys leave at most maxKeys circuits and a flat heap', async () => {
    const { s, status, clock } = setUp({ perKey: { maxKeys: 100 }, openFor: '1h' })
    const use = async (from: number, to: number): Promise<number> => {
      for (let n = from; n < to; n += 1) void s.run(() => n, { key: `k${n}` })
      await clock.advance(0)
      collect()
      return process.memoryUsage().heapUsed
    }
    const heapAfter: number[] = []
    for (let n = 0; n < 1_000_000; n += 100_000) heapAfter.push(await use(n, n + 100_000))
    expect(status()).toMatchObject({ keys: 100 })
    expect(clock.pending).toBe(0)
    // Less than 3 bytes for each of the last 800 000 keys.
    expect((heapAfter[9] as number) - (heapAfter[1] as number)).toBeLessThan(2_000_000)
  })

  test('100 000 failing keys leave only the timers of the keys that are still stored', async () => {
    const operation = (): Promise<never> => new Promise((_resolve, reject) => reject(new Error('still down')))
    const { clock, errorOf, status } = setUp({ perKey: { maxKeys: 10 }, probe: { operation, every: '1s' } })
    for (let n = 0; n < 100_000; n += 1) await errorOf(fail, { key: `k${n}` })
    expect(status()).toMatchObject({ keys: 10 })
    // Each has a timer for its open period and one for its health check.
    expect(clock.pending).toBe(20)
  })

  test('an open key is not evicted while a closed one can be', async () => {
    const { clock, breaker, s, errorOf, status } = setUp({ perKey: { maxKeys: 3 } })
    await errorOf(fail, { key: 'bad' })
    for (let n = 0; n < 1_000; n += 1) await s.run(() => 1, { key: `k${n}` })
    expect([breaker.stateOf('bad'), status()['keys']]).toEqual(['open', 3])
    await clock.advance('10s')
    for (let n = 0; n < 1_000; n += 1) await s.run(() => 1, { key: `k${n}` })
    expect(breaker.stateOf('bad')).toBe('half-open')
    await s.run(() => 1, { key: 'bad' })
    for (let n = 0; n < 3; n += 1) await s.run(() => 1, { key: `k${n}` })
    expect(status()['keys']).toBe(3)
    expect(await s.run(() => 1, { key: 'bad' })).toBe(1)
  })

  test('an open key can be evicted again after it has closed', async () => {
    const { clock, breaker, s, times } = setUp({ trip: consecutive(2), perKey: { maxKeys: 3 } })
    await times(2, fail, { key: 'bad' })
    await clock.advance('10s')
    await times(1, () => 1, { key: 'bad' })
    await times(1, fail, { key: 'bad' })
    for (let n = 0; n < 3; n += 1) await s.run(() => 1, { key: `k${n}` })
    // The eviction has removed the key's first failure.
    await times(1, fail, { key: 'bad' })
    expect(breaker.stateOf('bad')).toBe('closed')
    await times(1, fail, { key: 'bad' })
    expect(breaker.stateOf('bad')).toBe('open')
  })

  test('if all keys are open, evicts the least recently used one, its timer and its health check', async () => {
    const checkedKeys: string[] = []
    const probe = {
      operation: ({ key }: { key: string | undefined }) => {
        checkedKeys.push(String(key))
        return fail()
      },
      every: '1s',
    } as const
    const { clock, breaker, s, errorOf } = setUp({ perKey: { maxKeys: 2 }, probe })
    await errorOf(fail, { key: 'a' })
    await errorOf(fail, { key: 'b' })
    await errorOf(() => 1, { key: 'a' })
    await s.run(() => 1, { key: 'c' })
    expect(['a', 'b', 'c'].map((key) => breaker.stateOf(key))).toEqual(['open', 'closed', 'closed'])
    expect(clock.pending).toBe(2)
    await clock.advance('3s')
    expect(checkedKeys).toEqual(['a', 'a', 'a'])
  })
})

describe('an evicted key', () => {
  async function evicted() {
    const made = setUp({ perKey: { maxKeys: 1 }, probe: { operation: fail, every: '1s' } })
    const late: unknown[] = []
    made.s.on('late', (event) => late.push(event))
    const early = gate()
    const call = made.s.run(() => early.promise, { key: 'a' }).catch((error) => error)
    await made.s.run(() => 1, { key: 'b' })
    return { ...made, early, call, late }
  }

  test('its call in flight changes nothing, emits `late`, and sets no timer', async () => {
    const { clock, breaker, early, call, late, changes, status } = await evicted()
    early.reject(new Error('down'))
    expect(await call).toMatchObject({ message: 'down' })
    expect([breaker.stateOf('a'), changes, clock.pending]).toEqual(['closed', [], 0])
    expect(late).toEqual([{ shield: 's', policy: 'circuitBreaker', verdict: 'failure' }])
    expect(status()).toMatchObject({ keys: 1 })
  })

  test("its call in flight does not change the key's new circuit", async () => {
    const { clock, breaker, s, early, call, errorOf, changes } = await evicted()
    await errorOf(fail, { key: 'a' })
    early.resolve('late')
    expect(await call).toBe('late')
    expect(breaker.stateOf('a')).toBe('open')
    // The new circuit is still protected from eviction, despite the late success of the old one.
    expect(changes.map(({ key, to }) => [key, to])).toEqual([['a', 'open']])
    expect(clock.pending).toBe(2)
    void s
  })

  test('its probe in flight changes nothing, and the end of its lease emits nothing', async () => {
    const { clock, breaker, s, changes } = setUp({ perKey: { maxKeys: 1 } })
    await s.run(fail, { key: 'a' }).catch(() => {})
    await clock.advance('10s')
    const probe = gate()
    const call = s.run(() => probe.promise, { key: 'a' })
    await s.run(() => 1, { key: 'b' })
    expect(clock.pending).toBe(0)
    await clock.advance('1h')
    probe.resolve()
    await call
    expect(changes.map(({ to }) => to)).toEqual(['open', 'half-open'])
    expect(breaker.stateOf('a')).toBe('closed')
  })

  test('its health check is cancelled, and a listener on the signal may use the breaker', async () => {
    let cancellations = 0
    const { clock, s, status } = setUp({
      perKey: { maxKeys: 1 },
      probe: {
        every: '1s',
        operation: ({ signal }) => {
          signal.addEventListener('abort', () => {
            cancellations += 1
            void s.run(() => 1, { key: 'c' })
          })
          return never()
        },
      },
    })
    await s.run(fail, { key: 'a' }).catch(() => {})
    await clock.advance('1500ms')
    await s.run(() => 1, { key: 'b' })
    expect([cancellations, status()['keys'], clock.pending]).toEqual([1, 1, 0])
  })

  test('a listener on its signal that uses a third key evicts a key: no event, timer or check of it', async () => {
    const { clock, breaker, s, changes, status } = setUp({
      perKey: { maxKeys: 2 },
      probe: {
        every: '1s',
        operation: ({ signal }) => {
          // Uses `a` first, so that the new key `c` evicts `b`, which is still to be isolated.
          signal.addEventListener('abort', () => {
            void s.run(() => 1, { key: 'a' }).catch(() => {})
            void s.run(() => 1, { key: 'c' }).catch(() => {})
          })
          return never()
        },
      },
    })
    for (const key of ['a', 'b']) await s.run(fail, { key }).catch(() => {})
    await clock.advance('1500ms')
    changes.length = 0
    breaker.isolate()
    expect(changes.map(({ key, to }) => `${key} ${to}`)).toEqual(['a isolated'])
    expect([status()['keys'], clock.pending]).toEqual([2, 0])
    expect(['a', 'b', 'c'].map((key) => breaker.stateOf(key))).toEqual(['isolated', 'isolated', 'isolated'])
    breaker.reset()
    expect(changes.map(({ key, to }) => `${key} ${to}`)).toEqual(['a isolated', 'a closed', 'c closed'])
  })
})

test('a call whose key is evicted by a listener as the call starts still runs, without events', async () => {
  let nowMs = 0
  const timers = new Set<() => void>()
  const clock: Clock = {
    now: () => nowMs,
    setTimer(fire) {
      timers.add(fire)
      return () => void timers.delete(fire)
    },
  }
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', perKey: { maxKeys: 1 } })
  const s = shield({ name: 's', clock }, breaker)
  await s.run(fail, { key: 'a' }).catch(() => {})
  const events: unknown[] = []
  breaker.on('stateChange', ({ to, key }) => {
    events.push([key, to])
    if (to === 'half-open') void s.run(() => 1, { key: 'b' })
  })
  // The timer is late, so the call makes the circuit half-open.
  nowMs = 10_000
  await expect(s.run(fail, { key: 'a' })).rejects.toThrow('down')
  expect(events).toEqual([['a', 'half-open']])
  expect([breaker.stateOf('a'), timers.size]).toEqual(['closed', 0])
})

describe('manual control', () => {
  test('isolate, disable and reset of one key do not affect other keys', async () => {
    const { breaker, s, errorOf } = setUp({ perKey: {} })
    breaker.isolate('a')
    breaker.disable('b')
    expect(['a', 'b', 'c'].map((key) => breaker.stateOf(key))).toEqual(['isolated', 'disabled', 'closed'])
    expect(breaker.state).toBe('closed')
    const refusal = await errorOf(() => 1, { key: 'a' })
    expect(refusal).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: undefined })
    for (let n = 0; n < 5; n += 1) await errorOf(fail, { key: 'b' })
    expect(breaker.stateOf('b')).toBe('disabled')
    breaker.reset('a')
    expect(await s.run(() => 1, { key: 'a' })).toBe(1)
  })

  test.each(['isolate', 'disable'] as const)(
    '%s of all keys also applies to keys created later, until reset',
    async (action) => {
      const { breaker, s, errorOf, times } = setUp({ perKey: { maxKeys: 3 } })
      await s.run(() => 1, { key: 'before' })
      breaker[action]()
      const state = action === 'isolate' ? 'isolated' : 'disabled'
      expect([breaker.state, breaker.stateOf('before'), breaker.stateOf('later')]).toEqual([state, state, state])
      // More keys than maxKeys, so that the first ones are evicted.
      for (let n = 0; n < 20; n += 1) await errorOf(fail, { key: `k${n}` })
      expect(['before', 'k0', 'k19'].map((key) => breaker.stateOf(key))).toEqual([state, state, state])
      breaker.reset()
      expect(['before', 'k0', 'k19', 'other'].map((key) => breaker.stateOf(key))).toEqual(Array(4).fill('closed'))
      await times(1, fail, { key: 'k19' })
      expect(breaker.stateOf('k19')).toBe('open')
    },
  )

  test('reset of one key while all are isolated lets only that key through', async () => {
    const { breaker, s, errorOf } = setUp({ perKey: {} })
    breaker.isolate()
    breaker.reset('a')
    expect(await s.run(() => 1, { key: 'a' })).toBe(1)
    expect(await errorOf(() => 1, { key: 'b' })).toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('reset of all keys ends every open period, timer and health check', async () => {
    const { clock, breaker, errorOf } = setUp({ perKey: {}, probe: { operation: fail, every: '1s' } })
    for (let n = 0; n < 50; n += 1) await errorOf(fail, { key: `k${n}` })
    expect(clock.pending).toBe(100)
    breaker.reset()
    expect([breaker.stateOf('k7'), clock.pending]).toEqual(['closed', 0])
  })

  test('all keys change before a listener is notified, so the listener has the last word', async () => {
    const { breaker, s } = setUp({ perKey: {} })
    for (const key of ['a', 'b', 'c']) await s.run(() => 1, { key })
    breaker.on('stateChange', ({ to, key }) => {
      if (to === 'isolated' && key === 'a') breaker.reset('c')
    })
    breaker.isolate()
    expect(['a', 'b', 'c'].map((key) => breaker.stateOf(key))).toEqual(['isolated', 'isolated', 'closed'])
    breaker.reset()
    breaker.on('stateChange', ({ to }) => to === 'isolated' && breaker.reset())
    breaker.isolate()
    expect(['a', 'b', 'c', 'later'].map((key) => breaker.stateOf(key))).toEqual(Array(4).fill('closed'))
  })
})

test('events contain the key, and no key property for calls without a key', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', perKey: {} })
  const s = shield({ name: 's', clock }, breaker)
  const events: unknown[] = []
  breaker.on('stateChange', (change) => events.push(change))
  s.on('stateChange', (event) => events.push(event))
  await s.run(fail, { key: 'a' }).catch(() => {})
  await s.run(fail).catch(() => {})
  const counts = { failures: 1, calls: 1, lastFailure: { name: 'Error', code: undefined, at: 0 } }
  const change = { from: 'closed', to: 'open', reason: '1 consecutive failures', at: 0, ...counts }
  const base = { shield: 's', policy: 'circuitBreaker' }
  expect(events).toEqual([{ ...change, key: 'a' }, { ...base, ...change, key: 'a' }, change, { ...base, ...change }])
  expect(Object.keys(events[2] as object)).not.toContain('key')
  await clock.advance('10s')
  expect(events.slice(4)).toMatchObject([{ to: 'half-open', key: 'a' }, { key: 'a' }, { to: 'half-open' }, {}])
})
