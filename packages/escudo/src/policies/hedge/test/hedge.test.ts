import { describe, expect, test, vi } from 'vitest'
import { ambient, withAmbient } from '../../../core/context/ambient.ts'
import type { Call } from '../../../core/engine/call.ts'
import { defineErrors } from '../../../errors/index.ts'
import {
  attemptsOf,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  type HedgeOptions,
  hedge,
  retry,
  retryBudget,
  type ShieldEvents,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const Errors = defineErrors({ ITEM_NOT_FOUND: { status: 404, message: 'not there' } })

/** What an attempt does: after so many milliseconds it returns, or throws. */
type Plan = { readonly ms: number; readonly value?: unknown; readonly error?: unknown }

/** An operation whose attempts go by a plan, each until its signal aborts. */
function planned(clock: ReturnType<typeof virtualClock>, plans: readonly Plan[]) {
  const begun: { readonly attempt: number; readonly at: number }[] = []
  const aborted: { readonly attempt: number; readonly at: number; readonly reason: unknown }[] = []
  const operation = ({ attempt, signal }: Call): Promise<unknown> => {
    const plan = plans[begun.length] as Plan
    begun.push({ attempt, at: clock.now() })
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => ('error' in plan ? reject(plan.error) : resolve(plan.value)), plan.ms)
      signal.addEventListener('abort', () => {
        cancel()
        aborted.push({ attempt, at: clock.now(), reason: signal.reason })
        reject(signal.reason)
      })
    })
  }
  return { operation, begun, aborted }
}

function setUp(options: HedgeOptions, plans: readonly Plan[]) {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge(options))
  const events: ShieldEvents['hedge'][] = []
  s.on('hedge', (event) => events.push(event))
  return { clock, s, events, status: () => s.status().policies[0], ...planned(clock, plans) }
}

/** When it settled, and with what. */
async function settled(clock: ReturnType<typeof virtualClock>, promise: Promise<unknown>) {
  const outcome = promise.then(
    (value) => ({ value, at: clock.now() }),
    (error: unknown) => ({ error, at: clock.now() }),
  )
  await clock.advance('1h')
  expect(clock.pending).toBe(0)
  return await outcome
}

describe('after the delay', () => {
  test('a second call is started, the first success wins, and the loser is aborted', async () => {
    const { clock, s, operation, begun, aborted, events, status } = setUp({ after: '100ms' }, [
      { ms: 1_000, value: 'first' },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 150 })
    expect(begun).toEqual([
      { attempt: 1, at: 0 },
      { attempt: 2, at: 100 },
    ])
    expect(aborted).toEqual([{ attempt: 1, at: 150, reason: expect.any(DOMException) }])
    expect(aborted[0]?.reason).toMatchObject({ name: 'AbortError' })
    expect(events).toEqual([{ shield: 's', policy: 'hedge', attempt: 2, delayMs: 100 }])
    expect(status()).toEqual({ name: 'hedge', type: 'hedge', calls: 1, hedges: 1, wins: 1 })
  })

  test('and no earlier: who answers in time is called once, and no timer is left', async () => {
    const { clock, s, operation, begun, events, status } = setUp({ after: '100ms' }, [{ ms: 99, value: 'first' }])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 99 })
    expect(begun).toHaveLength(1)
    expect(events).toEqual([])
    expect(status()).toMatchObject({ calls: 1, hedges: 0, wins: 0 })
  })

  test('the first attempt may still win: that is no win of a hedge', async () => {
    const { clock, s, operation, aborted, status } = setUp({ after: '100ms' }, [
      { ms: 120, value: 'first' },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 120 })
    expect(aborted).toMatchObject([{ attempt: 2, at: 120 }])
    expect(status()).toMatchObject({ hedges: 1, wins: 0 })
  })

  test('each further hedge waits for the same delay, up to maxHedges', async () => {
    const { clock, s, operation, begun, aborted } = setUp(
      { after: 10, maxHedges: 3 },
      Array.from({ length: 5 }, (_, index) => ({ ms: 1_000, value: index + 1 })),
    )
    expect(await settled(clock, s.run(operation))).toEqual({ value: 1, at: 1_000 })
    expect(begun.map(({ at }) => at)).toEqual([0, 10, 20, 30])
    expect(aborted.map(({ attempt }) => attempt)).toEqual([2, 3, 4])
  })

  test('the result does not wait for losers, even where they ignore their signal', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const operation = vi.fn(({ attempt }: Call) => (attempt === 1 ? new Promise<number>(() => {}) : attempt))
    expect(await settled(clock, s.run(operation))).toEqual({ value: 2, at: 10 })
  })

  test('the operation is called before run returns', () => {
    const s = shield('s', hedge({ after: '1s' }))
    const operation = vi.fn(() => 1)
    void s.run(operation)
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('a hedge runs in the context of its call, whoever moves the clock', async () => {
    const { clock, s } = setUp({ after: 10 }, [])
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
    const seen: unknown[] = []
    const call = withAmbient(context, () =>
      s.run(({ attempt }) => {
        seen.push(ambient())
        return attempt === 1 ? new Promise(() => {}) : attempt
      }),
    )
    expect(await settled(clock, call)).toMatchObject({ value: 2 })
    expect(seen).toEqual([context, context])
  })
})

describe('a failure', () => {
  const [first, second, third] = [new Error('first'), new Error('second'), new Error('third')]

  test('sends the next hedge at once, not waiting for the delay, and the delay begins anew', async () => {
    const { clock, s, operation, begun, events } = setUp({ after: 100, maxHedges: 2 }, [
      { ms: 30, error: first },
      { ms: 500, value: 'second' },
      { ms: 500, value: 'third' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 530 })
    expect(begun.map(({ at }) => at)).toEqual([0, 30, 130])
    expect(events.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [2, 0],
      [3, 100],
    ])
  })

  test('of one does not end the call while another is under way', async () => {
    const { clock, s, operation } = setUp({ after: 10 }, [
      { ms: 50, error: first },
      { ms: 100, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 110 })
  })

  test('when all fail the last one that arrived is thrown, with all of them reachable', async () => {
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

  test('without a hedge is thrown as it is, with no attempts', async () => {
    const alone = new Error('alone')
    const { clock, s, operation } = setUp({ after: 10, budget: retryBudget({ ratio: 1, minPerSecond: 0 }) }, [
      { ms: 1, error: alone },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ error: alone, at: 1 })
    expect(Object.hasOwn(alone, 'attempts')).toBe(false)
  })

  test('that says retry: never sends no hedge; who is under way may still answer', async () => {
    const never = new (defineErrors({ GONE: { status: 502, message: 'x', retry: 'never' } }).GONE)()
    const alone = setUp({ after: 10, maxHedges: 3 }, [{ ms: 5, error: never }])
    expect(await settled(alone.clock, alone.s.run(alone.operation))).toEqual({ error: never, at: 5 })
    const two = setUp({ after: 10, maxHedges: 3 }, [
      { ms: 12, error: never },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(two.clock, two.s.run(two.operation))).toEqual({ value: 'second', at: 60 })
    expect(two.begun).toHaveLength(2)
  })

  test('its stack leads to the caller, of the first attempt and of a hedge', async () => {
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

describe('an outcome that is no failure', () => {
  test('a business error is an answer: it settles the call at once', async () => {
    const notFound = new Errors.ITEM_NOT_FOUND()
    const { clock, s, operation, aborted, status } = setUp({ after: 10, maxHedges: 5 }, [
      { ms: 500, value: 'first' },
      { ms: 5, error: notFound },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ error: notFound, at: 15 })
    expect(aborted).toMatchObject([{ attempt: 1, at: 15 }])
    expect(status()).toMatchObject({ hedges: 1, wins: 1 })
  })

  test('a refusal from further in is no answer: it ends the hedging, and who is under way may still answer', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }), bulkhead({ limit: 1 }))
    const { operation, begun } = planned(clock, [{ ms: 100, value: 'first' }])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 100 })
    expect(begun).toHaveLength(1)
    expect(s.status().policies[0]).toMatchObject({ hedges: 1 })
  })

  test('a refused hedge hides no failure, and a call that is refused altogether throws the refusal', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1h' })
    const s = shield({ name: 's', clock }, hedge({ after: 10 }), breaker)
    const { operation } = planned(clock, [{ ms: 5, error: new Error('down') }])
    const outcome = s.run(operation).catch((error: unknown) => error)
    await clock.advance(5)
    expect(await outcome).toMatchObject({ message: 'down' })
    expect(attemptsOf(await outcome).map(({ error }) => (error as { code?: string }).code)).toEqual([
      undefined,
      'CIRCUIT_OPEN',
    ])
    expect(await s.run(operation).catch((error: unknown) => error)).toMatchObject({ code: 'CIRCUIT_OPEN' })
    await clock.advance('1h')
  })
})

describe('bounded', () => {
  test('by the budget: no budget, no hedge', async () => {
    const budget = retryBudget({ ratio: 0.5, minPerSecond: 1, ttl: '1s' })
    const { clock, s, events } = setUp({ after: 10, budget }, [])
    const slow = ({ attempt, clock: time }: Call): Promise<number> =>
      new Promise((resolve) => time.setTimer(() => resolve(attempt), attempt === 1 ? 100 : 1))
    // The floor pays for the first one, which pays half of the next in; so does the one after it.
    const won: number[] = []
    for (let call = 1; call <= 5; call += 1) {
      const answer = s.run(slow)
      await clock.advance(100)
      won.push(await answer)
    }
    expect(won).toEqual([2, 1, 2, 1, 2])
    expect(events).toHaveLength(3)
  })

  test('by a budget that first attempts pay into: the first attempt of a call, and not that of its retries', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ ratio: 1, minPerSecond: 0, ttl: '60s', per: 'attempt' })
    const s = shield(
      { name: 's', clock },
      retry({ maxRetries: 2, backoff: constant(1) }),
      hedge({ after: 10, budget, maxHedges: 3 }),
    )
    const operation = vi.fn(() => Promise.reject(new Error('down')))
    await settled(clock, s.run(operation))
    // Three attempts of the retry, and the one hedge that the first of them paid for.
    expect(operation).toHaveBeenCalledTimes(4)
    expect(budget.balance(clock.now())).toBe(0)
  })

  test('by the deadline: a hedge that could not begin before it is not started', async () => {
    const { clock, s, operation, begun } = setUp({ after: 100 }, [
      { ms: 500, value: 'first' },
      { ms: 1, value: 'second' },
    ])
    const at100 = s.run(operation, { deadline: 100 }).catch((error: unknown) => error)
    expect(clock.pending).toBe(2)
    await clock.advance('1h')
    expect(await at100).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(begun).toHaveLength(1)

    const later = setUp({ after: 100 }, [
      { ms: 500, value: 'first' },
      { ms: 0, value: 'second' },
    ])
    expect(await settled(later.clock, later.s.run(later.operation, { deadline: 101 }))).toMatchObject({
      value: 'second',
    })
  })

  test('by a timeout outside, which cuts all at once; the attempts count as failures inside', async () => {
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

describe('what stands inside', () => {
  test('a loser is ignored by a breaker, and its place in a bulkhead is free again', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, hedge({ after: 10 }), breaker, bulkhead({ limit: 2 }), timeout('10s'))
    for (let call = 1; call <= 20; call += 1) {
      const { operation } = planned(clock, [
        { ms: 1_000, value: 1 },
        { ms: 5, value: 2 },
      ])
      const answer = s.run(operation)
      await clock.advance(10)
      expect(s.status().policies[2]).toMatchObject({ inUse: 2 })
      await clock.advance(5)
      expect(await answer).toBe(2)
      expect(s.status().policies[2]).toMatchObject({ inUse: 0 })
    }
    expect(breaker.state).toBe('closed')
    expect(s.status().policies[1]).toMatchObject({ calls: 20, failures: 0 })
    await clock.advance('1h')
    expect(clock.pending).toBe(0)
  })

  test('a loser that sleeps between retries, or waits for a place, is woken and gone', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock },
      hedge({ after: 10, maxHedges: 2 }),
      retry({ maxRetries: 1, backoff: constant('1h') }),
      bulkhead({ limit: 1, queue: 1 }),
    )
    const { operation } = planned(clock, [
      { ms: 0, error: new Error('down') },
      { ms: 15, value: 2 },
      // Handed the place of the winner, in the moment before it is known to have won.
      { ms: 15, value: 3 },
    ])
    const answer = s.run(operation)
    // The first attempt sleeps for an hour, the second is at work, the third waits for its place.
    await clock.advance(20)
    expect(s.status().policies[2]).toMatchObject({ inUse: 1, queued: 1 })
    await clock.advance(5)
    expect(await answer).toBe(2)
    expect(clock.pending).toBe(0)
    expect(s.status().policies[2]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('attempts go on from the number of the call', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(1) }), hedge({ after: 10 }))
    const attempts: number[] = []
    const operation = ({ attempt }: Call): never => {
      attempts.push(attempt)
      throw new Error('down')
    }
    await settled(clock, s.run(operation))
    expect(attempts).toEqual([1, 2, 2, 3])
  })
})
