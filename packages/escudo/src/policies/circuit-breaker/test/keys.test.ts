import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type Clock, circuitBreaker, consecutive, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { bench, fail, gate, never } from './setup.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('per-key breakers', () => {
  test('each key has its own circuit, and __proto__ is a key like any other', async () => {
    const { breaker, errorOf, s } = bench({ perKey: {} })
    for (const key of ['__proto__', 'constructor', '']) {
      await errorOf(fail, { key })
      expect(breaker.stateOf(key)).toBe('open')
      expect(await errorOf(() => 1, { key })).toMatchObject({ code: 'CIRCUIT_OPEN' })
    }
    expect(await s.run(() => 1, { key: 'a' })).toBe(1)
    expect(breaker.stateOf('toString')).toBe('closed')
    expect(({} as { state?: unknown }).state).toBeUndefined()
  })

  test('breaker.state of a per-key breaker is that of a call without key (its own key)', async () => {
    const { breaker, errorOf, status } = bench({ perKey: {} })
    await errorOf(fail, { key: 'a' })
    expect([breaker.state, breaker.stateOf('a')]).toEqual(['closed', 'open'])
    expect(status()).toMatchObject({ state: 'closed', failures: 0, keys: 1 })
    await errorOf(fail)
    expect([breaker.state, breaker.stateOf('undefined')]).toEqual(['open', 'closed'])
    expect(status()).toMatchObject({ state: 'open', failures: 1, keys: 2 })
  })

  test('looking at a key is no use of it, and makes none', async () => {
    const { breaker, s, status } = bench({ perKey: { maxKeys: 2 } })
    for (const key of ['a', 'b']) await s.run(() => 1, { key })
    for (let n = 0; n < 100; n += 1) {
      breaker.stateOf(`nobody ${n}`)
      breaker.save(`nobody ${n}`)
    }
    expect(status()).toMatchObject({ keys: 2 })
  })

  test('with a bound and LRU: a million keys leave no more than maxKeys, and a flat heap', async () => {
    const { s, status, clock } = bench({ perKey: { maxKeys: 100 }, openFor: '1h' })
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
    // Less than three bytes for each of the last 800 000.
    expect((heapAfter[9] as number) - (heapAfter[1] as number)).toBeLessThan(2_000_000)
  })

  test('a hundred thousand failing keys leave no timer but those of the keys that are left', async () => {
    const operation = (): Promise<never> => new Promise((_resolve, reject) => reject(new Error('still down')))
    const { clock, errorOf, status } = bench({ perKey: { maxKeys: 10 }, probe: { operation, every: '1s' } })
    for (let n = 0; n < 100_000; n += 1) await errorOf(fail, { key: `k${n}` })
    expect(status()).toMatchObject({ keys: 10 })
    // Each has a timer for its open time and one for its health check.
    expect(clock.pending).toBe(20)
  })

  test('an LRU never evicts a key that is open while another can go', async () => {
    const { clock, breaker, s, errorOf, status } = bench({ perKey: { maxKeys: 3 } })
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

  test('once it has closed it goes as any other', async () => {
    const { clock, breaker, s, times } = bench({ trip: consecutive(2), perKey: { maxKeys: 3 } })
    await times(2, fail, { key: 'bad' })
    await clock.advance('10s')
    await times(1, () => 1, { key: 'bad' })
    await times(1, fail, { key: 'bad' })
    for (let n = 0; n < 3; n += 1) await s.run(() => 1, { key: `k${n}` })
    // With the key its first failure has been forgotten.
    await times(1, fail, { key: 'bad' })
    expect(breaker.stateOf('bad')).toBe('closed')
    await times(1, fail, { key: 'bad' })
    expect(breaker.stateOf('bad')).toBe('open')
  })

  test('where all keys are open the one that was used least recently goes, with its timer and its health check', async () => {
    const asked: string[] = []
    const probe = {
      operation: ({ key }: { key: string | undefined }) => {
        asked.push(String(key))
        return fail()
      },
      every: '1s',
    } as const
    const { clock, breaker, s, errorOf } = bench({ perKey: { maxKeys: 2 }, probe })
    await errorOf(fail, { key: 'a' })
    await errorOf(fail, { key: 'b' })
    await errorOf(() => 1, { key: 'a' })
    await s.run(() => 1, { key: 'c' })
    expect(['a', 'b', 'c'].map((key) => breaker.stateOf(key))).toEqual(['open', 'closed', 'closed'])
    expect(clock.pending).toBe(2)
    await clock.advance('3s')
    expect(asked).toEqual(['a', 'a', 'a'])
  })
})

describe('a key that had to go', () => {
  async function evicted() {
    const made = bench({ perKey: { maxKeys: 1 }, probe: { operation: fail, every: '1s' } })
    const late: unknown[] = []
    made.s.on('late', (event) => late.push(event))
    const early = gate()
    const call = made.s.run(() => early.promise, { key: 'a' }).catch((error) => error)
    await made.s.run(() => 1, { key: 'b' })
    return { ...made, early, call, late }
  }

  test('a call in flight of it changes nothing, is told as late, and arms nothing', async () => {
    const { clock, breaker, early, call, late, changes, status } = await evicted()
    early.reject(new Error('down'))
    expect(await call).toMatchObject({ message: 'down' })
    expect([breaker.stateOf('a'), changes, clock.pending]).toEqual(['closed', [], 0])
    expect(late).toEqual([{ shield: 's', policy: 'circuitBreaker', verdict: 'failure' }])
    expect(status()).toMatchObject({ keys: 1 })
  })

  test("nor does it touch the key's new circuit", async () => {
    const { clock, breaker, s, early, call, errorOf, changes } = await evicted()
    await errorOf(fail, { key: 'a' })
    early.resolve('late')
    expect(await call).toBe('late')
    expect(breaker.stateOf('a')).toBe('open')
    // Still kept: the old circuit's success must not have set the new one free.
    expect(changes.map(({ key, to }) => [key, to])).toEqual([['a', 'open']])
    expect(clock.pending).toBe(2)
    void s
  })

  test('a probe in flight of it neither closes nor opens anything, and its lease ends unheard', async () => {
    const { clock, breaker, s, changes } = bench({ perKey: { maxKeys: 1 } })
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

  test('its health check is cut, and what hears of the cut may use the breaker at once', async () => {
    let cuts = 0
    const { clock, s, status } = bench({
      perKey: { maxKeys: 1 },
      probe: {
        every: '1s',
        operation: ({ signal }) => {
          signal.addEventListener('abort', () => {
            cuts += 1
            void s.run(() => 1, { key: 'c' })
          })
          return never()
        },
      },
    })
    await s.run(fail, { key: 'a' }).catch(() => {})
    await clock.advance('1500ms')
    await s.run(() => 1, { key: 'b' })
    expect([cuts, status()['keys'], clock.pending]).toEqual([1, 1, 0])
  })
})

test('a key that a listener drives out while its own call comes in: the call is made, and nothing is told of it', async () => {
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
  const heard: unknown[] = []
  breaker.on('stateChange', ({ to, key }) => {
    heard.push([key, to])
    if (to === 'half-open') void s.run(() => 1, { key: 'b' })
  })
  // The timer is late, so that it is the call that makes it half-open.
  nowMs = 10_000
  await expect(s.run(fail, { key: 'a' })).rejects.toThrow('down')
  expect(heard).toEqual([['a', 'half-open']])
  expect([breaker.stateOf('a'), timers.size]).toEqual(['closed', 0])
})

describe('by hand', () => {
  test('isolate, disable and reset of one key leave the others alone', async () => {
    const { breaker, s, errorOf } = bench({ perKey: {} })
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
    '%s of all keys holds for those that come later, until reset',
    async (what) => {
      const { breaker, s, errorOf, times } = bench({ perKey: { maxKeys: 3 } })
      await s.run(() => 1, { key: 'before' })
      breaker[what]()
      const state = what === 'isolate' ? 'isolated' : 'disabled'
      expect([breaker.state, breaker.stateOf('before'), breaker.stateOf('later')]).toEqual([state, state, state])
      // However many come, and the first are forgotten.
      for (let n = 0; n < 20; n += 1) await errorOf(fail, { key: `k${n}` })
      expect(['before', 'k0', 'k19'].map((key) => breaker.stateOf(key))).toEqual([state, state, state])
      breaker.reset()
      expect(['before', 'k0', 'k19', 'other'].map((key) => breaker.stateOf(key))).toEqual(Array(4).fill('closed'))
      await times(1, fail, { key: 'k19' })
      expect(breaker.stateOf('k19')).toBe('open')
    },
  )

  test('reset of one key while all are isolated lets that one through', async () => {
    const { breaker, s, errorOf } = bench({ perKey: {} })
    breaker.isolate()
    breaker.reset('a')
    expect(await s.run(() => 1, { key: 'a' })).toBe(1)
    expect(await errorOf(() => 1, { key: 'b' })).toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('reset of all keys ends every open time, every timer and every health check', async () => {
    const { clock, breaker, errorOf } = bench({ perKey: {}, probe: { operation: fail, every: '1s' } })
    for (let n = 0; n < 50; n += 1) await errorOf(fail, { key: `k${n}` })
    expect(clock.pending).toBe(100)
    breaker.reset()
    expect([breaker.stateOf('k7'), clock.pending]).toEqual(['closed', 0])
  })

  test('of all keys is carried out before anybody hears of it: a listener that takes one back has the last word', async () => {
    const { breaker, s } = bench({ perKey: {} })
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

test('events carry the key, and none where the call had none', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', perKey: {} })
  const s = shield({ name: 's', clock }, breaker)
  const heard: unknown[] = []
  breaker.on('stateChange', (change) => heard.push(change))
  s.on('stateChange', (event) => heard.push(event))
  await s.run(fail, { key: 'a' }).catch(() => {})
  await s.run(fail).catch(() => {})
  const change = { from: 'closed', to: 'open', reason: '1 consecutive failures', at: 0 }
  const base = { shield: 's', policy: 'circuitBreaker' }
  expect(heard).toEqual([{ ...change, key: 'a' }, { ...base, ...change, key: 'a' }, change, { ...base, ...change }])
  expect(Object.keys(heard[2] as object)).not.toContain('key')
  await clock.advance('10s')
  expect(heard.slice(4)).toMatchObject([{ to: 'half-open', key: 'a' }, { key: 'a' }, { to: 'half-open' }, {}])
})
