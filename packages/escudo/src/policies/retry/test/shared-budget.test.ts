import { describe, expect, test } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'
import { type RetryBudget, retryBudget } from '../../shared/state/retry-budget.ts'
import { retry } from '../retry.ts'
import { constant } from '../state/backoff.ts'

const DOWN = new Error('down')

function retrying(name: string, clock: VirtualClock, budget: RetryBudget, maxRetries = 1) {
  const s = shield({ name, clock }, retry({ maxRetries, backoff: constant(1), budget }))
  let calls = 0
  /** Makes calls one after the other. Returns how many times the operation was called. */
  const run = async (times: number, operation: () => unknown): Promise<number> => {
    const before = calls
    for (let time = 0; time < times; time += 1) {
      const call = s
        .run(() => {
          calls += 1
          return operation()
        })
        .catch(() => {})
      await clock.advance(10)
      await call
    }
    return calls - before
  }
  return { run, status: () => s.status().policies[0] }
}

const works = (): string => 'works'
const fails = (): Promise<never> => Promise.reject(DOWN)

describe('a retry with a budget', () => {
  test('two shields that share a budget together retry no more than it pays for', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ ratio: 0.2, minPerSecond: 0, ttl: '1m' })
    const [first, second] = [retrying('first', clock, budget), retrying('second', clock, budget)]
    // The successes of each shield pay for the retries of both: 20 + 10 calls, 6 retries.
    expect(await first.run(20, works)).toBe(20)
    expect(await second.run(10, works)).toBe(10)
    expect(await first.run(10, fails)).toBe(10 + 6)
    expect(await second.run(10, fails)).toBe(10)
    expect(budget.balance(clock.now())).toBeLessThan(1)
    expect(await second.run(5, works)).toBe(5)
    expect(await second.run(10, fails)).toBe(10 + 1)
  })

  test('a client with few calls has its free retries per second', async () => {
    const clock = virtualClock()
    const client = retrying('s', clock, retryBudget({ ratio: 0, minPerSecond: 0.5, ttl: '10s' }))
    // Five free retries in any ten seconds.
    expect(await client.run(20, fails)).toBe(20 + 5)
    await clock.advance('20s')
    expect(await client.run(20, fails)).toBe(20 + 5)
  })

  test("per: 'attempt' makes a deposit for each first attempt, not for retries", async () => {
    const clock = virtualClock()
    const client = retrying('s', clock, retryBudget({ ratio: 0.5, minPerSecond: 0, ttl: '1m', per: 'attempt' }), 5)
    // Ten first attempts pay for five retries. If retries made deposits too, it would be ten.
    expect(await client.run(10, fails)).toBe(10 + 5)
  })

  test('a failure that is not retried costs nothing: a business error, no retries left', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ ratio: 0, minPerSecond: 1, ttl: '10s' })
    const business = Object.assign(new Error('no'), {
      [Symbol.for('escudo.error')]: { code: 'NO', status: 409, kind: 'business' },
    })
    const before = budget.balance(0)
    await retrying('business', clock, budget).run(3, () => Promise.reject(business))
    await retrying('none', clock, budget, 0).run(3, fails)
    expect(budget.balance(0)).toBe(before)
  })

  test('an empty budget rejects immediately with the original error', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ ratio: 0, minPerSecond: 0 })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 3, backoff: constant('1h'), budget }))
    await expect(s.run(fails)).rejects.toBe(DOWN)
    expect(s.status().policies[0]).toMatchObject({ retries: 0, exhausted: 1 })
  })
})

test('a success that a classifier finds pays into the budget; an ignored value does not', async () => {
  const clock = virtualClock()
  const budget = retryBudget({ ratio: 1, minPerSecond: 0, ttl: '1m' })
  const s = shield({ name: 's', clock }, retry({ budget, classify: ({ ok }) => (ok ? verdict : 'failure') }))
  let verdict: 'success' | 'ignored' = 'ignored'
  await s.run(works)
  expect(budget.balance(clock.now())).toBe(0)
  verdict = 'success'
  await s.run(works)
  expect(budget.balance(clock.now())).toBe(1)
})
