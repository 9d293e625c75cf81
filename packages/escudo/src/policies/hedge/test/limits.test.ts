import { describe, expect, test, vi } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { circuitBreaker, consecutive, constant, hedge, retry, retryBudget, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { planned, settled, setUp } from './setup.ts'

describe('hedges are limited', () => {
  test('by the budget: none is made while it is empty', async () => {
    const budget = retryBudget({ ratio: 0.5, minPerSecond: 1, ttl: '1s' })
    const { clock, s, events } = setUp({ after: 10, budget }, [])
    const slow = ({ attempt, clock: time }: Call): Promise<number> =>
      new Promise((resolve) => time.setTimer(() => resolve(attempt), attempt === 1 ? 100 : 1))
    // minPerSecond pays for the first hedge; each success then deposits half a hedge.
    const won: number[] = []
    for (let call = 1; call <= 5; call += 1) {
      const answer = s.run(slow)
      await clock.advance(100)
      won.push(await answer)
    }
    expect(won).toEqual([2, 1, 2, 1, 2])
    expect(events).toHaveLength(3)
  })

  test('by a budget with per: attempt, which only the first attempt of a call pays into', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ ratio: 1, minPerSecond: 0, ttl: '60s', per: 'attempt' })
    const s = shield(
      { name: 's', clock },
      retry({ maxRetries: 2, backoff: constant(1) }),
      hedge({ after: 10, budget, maxHedges: 3 }),
    )
    const operation = vi.fn(() => Promise.reject(new Error('down')))
    await settled(clock, s.run(operation))
    // Three attempts of the retry, and the one hedge that the first attempt paid for.
    expect(operation).toHaveBeenCalledTimes(4)
    expect(budget.balance(clock.now())).toBe(0)
  })

  test('by the deadline: a hedge that could not start before it is not made', async () => {
    const { clock, s, operation, started } = setUp({ after: 100 }, [
      { ms: 500, value: 'first' },
      { ms: 1, value: 'second' },
    ])
    const at100 = s.run(operation, { deadline: 100 }).catch((error: unknown) => error)
    expect(clock.pending).toBe(2)
    await clock.advance('1h')
    expect(await at100).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(started).toHaveLength(1)

    const later = setUp({ after: 100 }, [
      { ms: 500, value: 'first' },
      { ms: 0, value: 'second' },
    ])
    expect(await settled(later.clock, later.s.run(later.operation, { deadline: 101 }))).toMatchObject({
      value: 'second',
    })
  })

  test('by an outer timeout, which cancels all attempts; an inner breaker counts them as failures', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(99) })
    const s = shield({ name: 's', clock }, timeout(100), hedge({ after: 10, maxHedges: 2 }), breaker)
    const { operation, aborted } = planned(clock, Array(3).fill({ ms: 1_000, value: 1 }))
    const outcome = await settled(clock, s.run(operation))
    expect(outcome).toMatchObject({ error: { code: 'TIMEOUT' }, at: 100 })
    expect(aborted.map(({ at }) => at)).toEqual([100, 100, 100])
    expect(s.status().policies[2]).toMatchObject({ failures: 3 })
  })
})

/** A clock whose timers all fire together, as after a blocked event loop. */
function coarseClock() {
  let [now, timers]: [number, (() => void)[]] = [0, []]
  return {
    now: () => now,
    setTimer(fire: () => void) {
      timers.push(fire)
      return () => {
        timers = timers.filter((timer) => timer !== fire)
      }
    },
    block(ms: number) {
      now += ms
    },
    async fireAll() {
      for (const fire of timers.splice(0)) fire()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('starts one hedge, not two, if a failure and the timer come at the same instant', async () => {
  const clock = coarseClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }))
  const operation = vi.fn(
    ({ attempt }: Call) =>
      new Promise<number>((resolve, reject) =>
        clock.setTimer(() => (attempt === 1 ? reject(new Error('down')) : resolve(attempt))),
      ),
  )
  const outcome = s.run(operation)
  await clock.fireAll()
  expect(operation).toHaveBeenCalledTimes(2)
  await clock.fireAll()
  expect(await outcome).toBe(2)
})

test('starts no hedge after the deadline, also if the event loop was blocked until then', async () => {
  const clock = coarseClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }))
  const down = new Error('down')
  const operation = vi.fn(() => {
    clock.block(1_000)
    return Promise.reject(down)
  })
  await expect(s.run(operation, { deadline: 500 })).rejects.toBe(down)
  expect(operation).toHaveBeenCalledTimes(1)
})
