import { describe, expect, test } from 'vitest'
import { obey } from '../obey.ts'
import type { ProbePermit } from '../permit.ts'
import { breakerWith, call, noRandom } from './setup.ts'

const OPEN = { to: 'open', untilMs: 500, reason: 'fleet: 2 of 3' } as const

describe('a circuit that obeys its fleet', () => {
  test('opens with the reason of the fleet, and only the fleet ends the open period', () => {
    const { breaker, transitions } = breakerWith()
    obey(breaker, OPEN, 0)
    expect(transitions).toMatchObject([{ from: 'closed', to: 'open', reason: 'fleet: 2 of 3' }])
    // A second at least: so long the news of a fleet may take.
    expect(breaker.retryAfterMs(-4_500)).toBe(5_000)
    expect(breaker.retryAfterMs(100)).toBe(1_000)
    expect(breaker.tryAcquire(1e9, noRandom)).toBeUndefined()
    expect([breaker.state, breaker.nextChangeMs(), breaker.retryAfterMs(1e9)]).toEqual(['open', undefined, 1_000])
  })

  test('holds a circuit that was open already, without a second transition', () => {
    const { breaker, transitions } = breakerWith()
    call(breaker, 'failure', 0)
    obey(breaker, OPEN, 50)
    breaker.advance(1e9)
    expect([transitions.length, breaker.state, breaker.reason]).toEqual([1, 'open', 'fleet: 2 of 3'])
  })

  test('admits a probe only before the end of the lease', () => {
    const { breaker } = breakerWith()
    obey(breaker, OPEN, 0)
    obey(breaker, { to: 'half-open', untilMs: 900 }, 600)
    expect(breaker.state).toBe('half-open')
    expect(breaker.tryAcquire(900, noRandom)).toBeUndefined()
    obey(breaker, { to: 'half-open', untilMs: 1_900 }, 901)
    expect(breaker.tryAcquire(901, noRandom)?.probe).toBe(true)
  })

  test('a probe in flight counts no more once the fleet holds the circuit again', () => {
    const { breaker } = breakerWith()
    obey(breaker, OPEN, 0)
    obey(breaker, { to: 'half-open', untilMs: 900 }, 600)
    const permit = breaker.tryAcquire(700, noRandom) as ProbePermit
    obey(breaker, { ...OPEN, untilMs: 2_000 }, 800)
    expect(breaker.settle(permit, 'success', 850)).toBe(false)
    expect(breaker.state).toBe('open')
  })

  test('alone, its open period ends by itself, and a lease no longer matters', () => {
    const { breaker } = breakerWith()
    obey(breaker, OPEN, 0)
    obey(breaker, { to: 'alone', untilMs: 700 }, 600)
    expect(breaker.nextChangeMs()).toBe(700)
    expect(breaker.tryAcquire(700, noRandom)?.probe).toBe(true)
    const { breaker: holder } = breakerWith()
    obey(holder, OPEN, 0)
    obey(holder, { to: 'half-open', untilMs: 900 }, 600)
    obey(holder, { to: 'alone', untilMs: 900 }, 950)
    expect(holder.tryAcquire(1_000, noRandom)?.probe).toBe(true)
  })

  test('closes with the fleet; a closed one stays as it is', () => {
    const { breaker, transitions } = breakerWith()
    obey(breaker, { to: 'closed' }, 0)
    expect(transitions).toEqual([])
    obey(breaker, OPEN, 0)
    obey(breaker, { to: 'closed' }, 10)
    expect(transitions.at(-1)).toMatchObject({ from: 'open', to: 'closed', reason: 'fleet' })
  })

  test.each(['isolate', 'disable'] as const)('after %s() only an order of the fleet changes it', (action) => {
    const { breaker } = breakerWith()
    breaker[action](0)
    const { state } = breaker
    for (const decision of [OPEN, { to: 'half-open', untilMs: 9 }, { to: 'closed' }] as const)
      obey(breaker, decision, 1)
    expect(breaker.state).toBe(state)
    obey(breaker, { to: 'isolated' }, 2)
    expect(breaker.state).toBe('isolated')
    obey(breaker, { to: 'reset' }, 3)
    expect(breaker.state).toBe('closed')
  })
})
