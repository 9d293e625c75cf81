import { describe, expect, it } from 'vitest'
import type { CircuitChange } from './helpers/instances.ts'
import { closedAfterMs, excess, openedAfterMs, shortestGap } from './helpers/measures.ts'

// A measure that cannot show a broken promise proves nothing.

const change = (at: number, to: string, reason = '3 consecutive failures', from = 'closed'): CircuitChange => {
  return { at, to, from, reason }
}

describe('the measures of a fleet', () => {
  it('count the calls beyond the rate in the worst time of all', () => {
    // 100 calls at once, and one each 10 ms afterwards, at a rate of one each 10 ms.
    const burst = Array.from({ length: 100 }, () => 5_000)
    const steady = Array.from({ length: 500 }, (_, index) => index * 10)
    expect(excess(steady, 0.1)).toBeCloseTo(1)
    expect(excess([...burst, ...steady].reverse(), 0.1)).toBeCloseTo(100, -1)
    expect(excess([], 0.1)).toBe(0)
  })

  it('measure from the vote that makes the quorum to the last circuit', () => {
    const all = [
      [change(100, 'open')],
      [change(400, 'open')],
      [change(900, 'open', 'fleet: 2 of 4')],
      [change(300, 'open')],
    ]
    expect(openedAfterMs(all, 2)).toBe(600)
    expect(openedAfterMs([...all, []], 2)).toBe(Number.POSITIVE_INFINITY)
    expect(openedAfterMs(all.slice(2, 3), 2)).toBeNaN()
  })

  it('measure from the successful probe to the last circuit', () => {
    const all = [
      [change(100, 'half-open', 'probe', 'open'), change(200, 'closed', 'probes succeeded', 'half-open')],
      [change(750, 'closed', 'fleet', 'open')],
    ]
    expect(closedAfterMs(all)).toBe(550)
    expect(closedAfterMs([...all, [change(10, 'open')]])).toBe(Number.POSITIVE_INFINITY)
  })

  it('find two probes that are too close, in any order', () => {
    expect(shortestGap([1_000, 0, 1_040])).toBe(40)
    expect(shortestGap([5])).toBe(Number.POSITIVE_INFINITY)
  })
})
