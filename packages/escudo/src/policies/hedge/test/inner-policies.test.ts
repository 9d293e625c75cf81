import { describe, expect, test } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { bulkhead, circuitBreaker, consecutive, constant, hedge, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { planned, settled } from './setup.ts'

describe('policies inside a hedge', () => {
  test('a loser is ignored by a breaker and releases its permit of a bulkhead', async () => {
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

  test('a loser that waits for a retry or for a permit is cancelled', async () => {
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
      // Gets the permit of the winner just before the hedge learns of the win.
      { ms: 15, value: 3 },
    ])
    const answer = s.run(operation)
    // The first attempt waits an hour for its retry, the second runs, the third waits for a permit.
    await clock.advance(20)
    expect(s.status().policies[2]).toMatchObject({ inUse: 1, queued: 1 })
    await clock.advance(5)
    expect(await answer).toBe(2)
    expect(clock.pending).toBe(0)
    expect(s.status().policies[2]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('attempt numbers continue from the number of the call', async () => {
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
