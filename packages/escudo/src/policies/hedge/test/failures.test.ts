import { describe, expect, test } from 'vitest'
import { defineErrors } from '../../../errors/index.ts'
import { attemptsOf, hedge, retryBudget, shield } from '../../../index.ts'
import { settled, setUp } from './setup.ts'

describe('a failure', () => {
  const [first, second, third] = [new Error('first'), new Error('second'), new Error('third')]

  test('starts the next hedge immediately, and the delay starts anew', async () => {
    const { clock, s, operation, started, events } = setUp({ after: 100, maxHedges: 2 }, [
      { ms: 30, error: first },
      { ms: 500, value: 'second' },
      { ms: 500, value: 'third' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 530 })
    expect(started.map(({ at }) => at)).toEqual([0, 30, 130])
    expect(events.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [2, 0],
      [3, 100],
    ])
  })

  test('of one attempt does not end the call while another is in flight', async () => {
    const { clock, s, operation } = setUp({ after: 10 }, [
      { ms: 50, error: first },
      { ms: 100, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 110 })
  })

  test('of all attempts throws the last one, and attemptsOf returns all', async () => {
    const { clock, s, operation, status } = setUp({ after: 10, maxHedges: 2 }, [
      { ms: 100, error: first },
      { ms: 30, error: second },
      { ms: 20, error: third },
    ])
    const { error } = (await settled(clock, s.run(operation))) as { error: unknown }
    expect(error).toBe(first)
    expect(attemptsOf(error)).toEqual([
      { number: 2, startedAt: 10, durationMs: 30, outcome: 'failure', error: second },
      { number: 3, startedAt: 20, durationMs: 20, outcome: 'failure', error: third },
      { number: 1, startedAt: 0, durationMs: 100, outcome: 'failure', error: first },
    ])
    expect(status()).toMatchObject({ hedges: 2, wins: 0 })
  })

  test('without a hedge is thrown unchanged, without attempts', async () => {
    const alone = new Error('alone')
    const { clock, s, operation } = setUp({ after: 10, budget: retryBudget({ ratio: 1, minPerSecond: 0 }) }, [
      { ms: 1, error: alone },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ error: alone, at: 1 })
    expect(Object.hasOwn(alone, 'attempts')).toBe(false)
  })

  test('with retry: never starts no hedge; attempts in flight may still answer', async () => {
    const never = new (defineErrors({ GONE: { status: 502, message: 'x', retry: 'never' } }).GONE)()
    const alone = setUp({ after: 10, maxHedges: 3 }, [{ ms: 5, error: never }])
    expect(await settled(alone.clock, alone.s.run(alone.operation))).toEqual({ error: never, at: 5 })
    const two = setUp({ after: 10, maxHedges: 3 }, [
      { ms: 12, error: never },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(two.clock, two.s.run(two.operation))).toEqual({ value: 'second', at: 60 })
    expect(two.started).toHaveLength(2)
  })

  test('has a stack that leads to the caller, in the first attempt and in a hedge', async () => {
    const s = shield('stack', hedge({ after: '1s' }))
    async function throwLater(): Promise<never> {
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('thrown after an await')
    }
    async function theCallingFunction(): Promise<unknown> {
      return await s.run(throwLater)
    }
    const error = (await theCallingFunction().catch((thrown) => thrown)) as Error
    const attempts = attemptsOf(error).map((attempt) => (attempt.error as Error).stack)
    expect(attempts).toHaveLength(2)
    for (const stack of attempts) expect(stack).toContain('theCallingFunction')
  })
})
