import { describe, expect, test, vi } from 'vitest'
import { ambient, withAmbient } from '../../../core/context/ambient.ts'
import type { Call } from '../../../core/engine/call.ts'
import { defineErrors } from '../../../errors/index.ts'
import { attemptsOf, bulkhead, circuitBreaker, consecutive, hedge, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { planned, settled, setUp } from './setup.ts'

const Errors = defineErrors({ ITEM_NOT_FOUND: { status: 404, message: 'not there' } })

describe('after the delay', () => {
  test('starts a second attempt, returns the first success, and aborts the loser', async () => {
    const { clock, s, operation, started, aborted, events, status } = setUp({ after: '100ms' }, [
      { ms: 1_000, value: 'first' },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'second', at: 150 })
    expect(started).toEqual([
      { attempt: 1, at: 0 },
      { attempt: 2, at: 100 },
    ])
    expect(aborted).toEqual([{ attempt: 1, at: 150, reason: expect.any(DOMException) }])
    expect(aborted[0]?.reason).toMatchObject({ name: 'AbortError' })
    expect(events).toEqual([{ shield: 's', policy: 'hedge', attempt: 2, delayMs: 100 }])
    expect(status()).toEqual({ name: 'hedge', type: 'hedge', calls: 1, hedges: 1, wins: 1 })
  })

  test('starts no second attempt if the first answers before it, and leaves no timer', async () => {
    const { clock, s, operation, started, events, status } = setUp({ after: '100ms' }, [{ ms: 99, value: 'first' }])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 99 })
    expect(started).toHaveLength(1)
    expect(events).toEqual([])
    expect(status()).toMatchObject({ calls: 1, hedges: 0, wins: 0 })
  })

  test('the first attempt can still win, which does not count as a win of a hedge', async () => {
    const { clock, s, operation, aborted, status } = setUp({ after: '100ms' }, [
      { ms: 120, value: 'first' },
      { ms: 50, value: 'second' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 120 })
    expect(aborted).toMatchObject([{ attempt: 2, at: 120 }])
    expect(status()).toMatchObject({ hedges: 1, wins: 0 })
  })

  test('each further hedge waits for the same delay, up to maxHedges', async () => {
    const { clock, s, operation, started, aborted } = setUp(
      { after: 10, maxHedges: 3 },
      Array.from({ length: 5 }, (_, index) => ({ ms: 1_000, value: index + 1 })),
    )
    expect(await settled(clock, s.run(operation))).toEqual({ value: 1, at: 1_000 })
    expect(started.map(({ at }) => at)).toEqual([0, 10, 20, 30])
    expect(aborted.map(({ attempt }) => attempt)).toEqual([2, 3, 4])
  })

  test('the result does not wait for losers that ignore their signal', async () => {
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

  test('a hedge runs in the asynchronous context of its call, not of the timer', async () => {
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

describe('an outcome that is not a failure', () => {
  test('a business error is an answer and settles the call immediately', async () => {
    const notFound = new Errors.ITEM_NOT_FOUND()
    const { clock, s, operation, aborted, status } = setUp({ after: 10, maxHedges: 5 }, [
      { ms: 500, value: 'first' },
      { ms: 5, error: notFound },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ error: notFound, at: 15 })
    expect(aborted).toMatchObject([{ attempt: 1, at: 15 }])
    expect(status()).toMatchObject({ hedges: 1, wins: 1 })
  })

  test('a refusal by an inner policy ends the hedging; attempts in flight may still answer', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }), bulkhead({ limit: 1 }))
    const { operation, started } = planned(clock, [{ ms: 100, value: 'first' }])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'first', at: 100 })
    expect(started).toHaveLength(1)
    expect(s.status().policies[0]).toMatchObject({ hedges: 1 })
  })

  test('throws the failure if a hedge is refused, and the refusal if all attempts are', async () => {
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
