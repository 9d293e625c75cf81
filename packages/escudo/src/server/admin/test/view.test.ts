import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consecutive, failureRate } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { exponential } from '../../../policies/retry/state/backoff.ts'
import { viewOf } from '../view.ts'

describe('viewOf', () => {
  it('shows options as plain data', () => {
    const options = {
      maxRetries: 0,
      maxTotal: undefined,
      retryAfter: false,
      trip: failureRate({ threshold: 0.3 }),
      other: consecutive(3),
      backoff: exponential(),
      classify: () => 'failure',
      limit: Number.POSITIVE_INFINITY,
      steps: [0.1, 0.5],
      big: 5n,
    }
    expect(viewOf(options)).toEqual({
      maxRetries: 0,
      maxTotal: null,
      retryAfter: false,
      trip: 'failure rate of 30 %',
      other: '3 consecutive failures',
      backoff: { delayMs: '[function]' },
      classify: '[function]',
      limit: 'Infinity',
      steps: [0.1, 0.5],
      big: '5',
    })
  })

  it('shows no value with the name of a secret, at any depth that it shows', () => {
    const view = viewOf({ apiKey: 'x-1', a: { b: [{ password: 'x-2', accessToken: { nested: 'x-3' } }] } })
    expect(JSON.stringify(view)).not.toContain('x-')
  })

  it('shows what cannot be read as such', () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const throws = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    expect(viewOf([revoked.proxy, throws])).toEqual(['[unreadable]', '[unreadable]'])
  })

  it('property: is bounded JSON for any value', () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const wide = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`${'k'.repeat(300)}${index}`, 'v'.repeat(999)]),
    )
    const nested = Array.from({ length: 30 }, () => Array.from({ length: 30 }, () => [wide, wide]))
    const any = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
      fc.constantFrom<unknown>(circular, wide, nested, Symbol('x'), { [Symbol('x')]: 1 }),
    )
    fc.assert(
      fc.property(any, (value) => {
        // Each character can become six of an escape sequence, and each value that is left out is one word.
        expect(JSON.stringify(viewOf(value)).length).toBeLessThan(40_000)
      }),
      { numRuns: 1_000 },
    )
    expect(JSON.stringify(viewOf(nested)).length).toBeLessThan(12_000)
  })
})
