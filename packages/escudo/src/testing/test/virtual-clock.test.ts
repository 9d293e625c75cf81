import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../virtual-clock.ts'

describe('virtualClock', () => {
  test('starts at 0 and moves only when it is advanced', async () => {
    const clock = virtualClock()
    expect(clock.now()).toBe(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(clock.now()).toBe(0)
    await clock.advance('1.5s')
    expect(clock.now()).toBe(1_500)
  })

  test('runs all microtasks first, so that they can set timers', async () => {
    const clock = virtualClock()
    const fired: number[] = []
    const setLater = async (): Promise<void> => {
      for (let n = 0; n < 100; n += 1) await undefined
      clock.setTimer(() => fired.push(clock.now()), 10)
    }
    void setLater()
    await clock.advance(10)
    expect(fired).toEqual([10])
  })

  test('runs all microtasks after each timer, before the next one', async () => {
    const clock = virtualClock()
    const order: string[] = []
    for (const name of ['first', 'second']) {
      clock.setTimer(() => {
        order.push(name)
        void (async () => {
          for (let n = 0; n < 50; n += 1) await undefined
          order.push(`after ${name}`)
        })()
      }, 10)
    }
    await clock.advance(10)
    expect(order).toEqual(['first', 'after first', 'second', 'after second'])
  })

  test('fires timers by due time, then by order of setting; now() is the due time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 30, size: 'max' }), async (delays) => {
        const clock = virtualClock()
        const fired: [number, number][] = []
        delays.forEach((delayMs, index) => {
          clock.setTimer(() => fired.push([clock.now(), index]), delayMs)
        })
        await clock.advance(20)
        const expected = delays
          .map<[number, number]>((delayMs, index) => [delayMs, index])
          .sort(([a, i], [b, j]) => a - b || i - j)
        expect(fired).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  test('fires timers that are set during advance, also those due immediately', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    clock.setTimer(() => {
      fired.push(`a ${clock.now()}`)
      clock.setTimer(() => fired.push(`c ${clock.now()}`), 5)
      clock.setTimer(() => fired.push(`b ${clock.now()}`), 0)
      clock.setTimer(() => fired.push(`beyond ${clock.now()}`), 100)
    }, 10)
    await clock.advance(20)
    expect(fired).toEqual(['a 10', 'b 10', 'c 15'])
    expect([clock.now(), clock.pending]).toEqual([20, 1])
  })

  test('accepts fractions of a millisecond', async () => {
    const clock = virtualClock()
    const fired: number[] = []
    clock.setTimer(() => fired.push(clock.now()), 0.25)
    await clock.advance('0.2ms')
    expect([clock.now(), fired]).toEqual([0.2, []])
    await clock.advance(0.05)
    expect(fired).toEqual([0.25])
  })

  test('fires a timer due exactly at the end, but none due later', async () => {
    const clock = virtualClock()
    const fired: number[] = []
    clock.setTimer(() => fired.push(1), 100)
    clock.setTimer(() => fired.push(2), 100.001)
    await clock.advance(100)
    expect(fired).toEqual([1])
  })

  test('never fires a cancelled timer; cancelling twice or late affects no other timer', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    const cancel = clock.setTimer(() => fired.push('cancelled'), 10)
    const late = clock.setTimer(() => fired.push('fired'), 10)
    cancel()
    cancel()
    expect(clock.pending).toBe(1)
    await clock.advance(10)
    clock.setTimer(() => fired.push('other'), 10)
    late()
    expect(clock.pending).toBe(1)
    await clock.advance(10)
    expect(fired).toEqual(['fired', 'other'])
  })

  test('lets a timer cancel another one that is due at the same time', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    clock.setTimer(() => {
      fired.push('first')
      cancel()
    }, 10)
    const cancel = clock.setTimer(() => fired.push('second'), 10)
    await clock.advance(10)
    expect(fired).toEqual(['first'])
  })

  test('fires a timer with a negative delay immediately, without moving time back', async () => {
    const clock = virtualClock()
    await clock.advance(50)
    const fired: number[] = []
    clock.setTimer(() => fired.push(clock.now()), -20)
    await clock.advance(0)
    expect(fired).toEqual([50])
  })

  test('fires a timer with a delay of NaN immediately, without blocking other timers', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    clock.setTimer(() => fired.push('other'), 5)
    clock.setTimer(() => fired.push('broken'), Number.NaN)
    await clock.advance(10)
    expect(fired).toEqual(['broken', 'other'])
    expect(clock.pending).toBe(0)
  })

  test('runs an hour of timers without waiting', async () => {
    const clock = virtualClock()
    let ticks = 0
    const tick = (): void => {
      ticks += 1
      clock.setTimer(tick, 1_000)
    }
    clock.setTimer(tick, 1_000)
    await clock.advance('1h')
    expect([ticks, clock.now()]).toEqual([3_600, 3_600_000])
  })

  test('concurrent advances run one after the other, each by its whole duration', async () => {
    const clock = virtualClock()
    const seen: number[] = []
    for (const delayMs of [200, 700, 1_200]) clock.setTimer(() => seen.push(clock.now()), delayMs)
    await Promise.all([
      clock.advance(1_000).then(() => seen.push(clock.now())),
      clock.advance(500).then(() => seen.push(clock.now())),
    ])
    expect(seen).toEqual([200, 700, 1_000, 1_200, 1_500])
  })

  test('an advance inside a timer starts where the running one ends', async () => {
    const clock = virtualClock()
    const seen: string[] = []
    clock.setTimer(() => {
      seen.push(`timer ${clock.now()}`)
      void clock.advance(5).then(() => seen.push(`inner ${clock.now()}`))
    }, 10)
    clock.setTimer(() => seen.push(`timer ${clock.now()}`), 23)
    await clock.advance(20)
    await clock.advance(0)
    expect(seen).toEqual(['timer 10', 'timer 23', 'inner 25'])
    expect(clock.now()).toBe(25)
  })

  test('an advance inside an operation that the test awaits ends', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1h'))
    const call = s.run(async () => {
      await clock.advance(100)
      return clock.now()
    })
    await clock.advance(50)
    expect(await call).toBe(100)
    expect(clock.now()).toBe(150)
  })

  test('time never goes back, for any concurrent advances inside and outside timers', async () => {
    const advance = fc.record({ ms: fc.nat(50), nested: fc.option(fc.nat(50)), at: fc.nat(60) })
    await fc.assert(
      fc.asyncProperty(fc.array(advance, { maxLength: 8 }), async (advances) => {
        const clock = virtualClock()
        let latest = 0
        const look = (): void => {
          expect(clock.now()).toBeGreaterThanOrEqual(latest)
          latest = clock.now()
        }
        let totalMs = 0
        let latestInner: Promise<unknown> = Promise.resolve()
        for (const { at, nested } of advances) {
          clock.setTimer(() => {
            look()
            if (nested === null) return
            totalMs += nested
            latestInner = clock.advance(nested).then(look)
          }, at)
        }
        for (const { ms } of advances) totalMs += ms
        await Promise.all(advances.map(({ ms }) => clock.advance(ms).then(look)))
        await clock.advance(0)
        await latestInner
        await clock.advance(0)
        expect(clock.now()).toBe(totalMs)
      }),
      { numRuns: 200 },
    )
  })

  test('a timer that throws rejects its own advance, and not the next one', async () => {
    const clock = virtualClock()
    clock.setTimer(() => {
      throw new Error('broken timer')
    }, 10)
    const results = await Promise.allSettled([clock.advance(20), clock.advance(5)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(clock.now()).toBe(15)
  })

  test('is independent of other clocks', async () => {
    const [first, second] = [virtualClock(), virtualClock()]
    let fired = false
    second.setTimer(() => {
      fired = true
    }, 1)
    await first.advance('1h')
    expect([second.now(), fired]).toEqual([0, false])
  })

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '1 hour', undefined])(
    'rejects an advance by %s',
    async (duration) => {
      const clock = virtualClock()
      await expect(clock.advance(duration as never)).rejects.toThrow(expect.objectContaining({ path: 'advance' }))
      expect(clock.now()).toBe(0)
    },
  )
})
