import { describe, expect, test } from 'vitest'
import { CircuitOpenError } from '../../../circuit-breaker/errors.ts'
import { constant } from '../backoff.ts'
import { type FailedAttempt, nextDelayMs, type RetryRules } from '../next-delay.ts'

const RULES: RetryRules = {
  maxRetries: 3,
  backoff: constant(100),
  classify: undefined,
  maxTotalMs: Number.POSITIVE_INFINITY,
  retryAfterMaxMs: 60_000,
  budget: undefined,
}

const failure = (error: unknown): FailedAttempt['outcome'] => ({ ok: false, error })

const FAILED: FailedAttempt = {
  number: 1,
  verdict: 'failure',
  outcome: failure(new Error('down')),
  cancelled: false,
  deadline: undefined,
  firstStartedMs: 5_000,
  previousDelayMs: undefined,
}

const next = (failed: Partial<FailedAttempt>, rules: Partial<RetryRules> = {}, now = 5_050): number | string =>
  nextDelayMs({ ...RULES, ...rules }, { ...FAILED, ...failed }, now, () => 0.5)

const hint = (retryAfterMs: number): Error => Object.assign(new Error('busy'), { retryAfterMs })
const refusal = (retryAfterMs: number | undefined): Error =>
  new CircuitOpenError({ shield: 's', policy: 'p', stacks: false }, retryAfterMs, 'open')

describe('the decision after a failed attempt', () => {
  test.each<[string, Partial<FailedAttempt>, Partial<RetryRules>, number | string]>([
    ['the delay of the backoff', {}, {}, 100],
    ['cancelled, before every other reason', { cancelled: true, number: 9 }, {}, 'cancelled'],
    ['an ignored outcome', { verdict: 'ignored' }, {}, 'nothing to retry'],
    ['the last retry', { number: 3 }, {}, 100],
    ['no retries left', { number: 4 }, {}, 'no retries left'],
    ['a hint replaces the delay', { outcome: failure(hint(7)) }, {}, 7],
    ['a hint is clamped', { outcome: failure(hint(90_000)) }, {}, 60_000],
    ['a clamp of 0 retries at once', { outcome: failure(hint(7)) }, { retryAfterMaxMs: 0 }, 0],
    ['hints are ignored', { outcome: failure(hint(7)) }, { retryAfterMaxMs: -1 }, 100],
    ['a refusal that ends within the delay', { outcome: failure(refusal(100)), verdict: 'ignored' }, {}, 100],
    ['a refusal that lasts longer', { outcome: failure(refusal(101)) }, {}, 'refused for longer than the next delay'],
    [
      'a refusal without a hint',
      { outcome: failure(refusal(undefined)) },
      {},
      'refused for longer than the next delay',
    ],
    ['a start exactly at maxTotal', {}, { maxTotalMs: 150 }, 100],
    ['a start after maxTotal', {}, { maxTotalMs: 149 }, 'past maxTotal'],
    ['a start before the deadline', { deadline: 5_151 }, {}, 100],
    ['a start at the deadline', { deadline: 5_150 }, {}, 'past the deadline'],
  ])('%s', (_what, failed, rules, expected) => {
    expect(next(failed, rules)).toBe(expected)
  })

  test('withdraws from the budget only for a retry that is made', () => {
    const answers = [true, false]
    const budget = { tryWithdraw: () => answers.shift() } as never
    expect(next({}, { budget, maxTotalMs: 1 })).toBe('past maxTotal')
    expect(next({ deadline: 1 }, { budget })).toBe('past the deadline')
    expect([next({}, { budget }), next({}, { budget })]).toEqual([100, 'no budget left'])
  })
})
