import { expect, test } from 'vitest'
import { answered, declareIdempotency } from '../../../core/idempotency.ts'
import { FACTS } from '../../../errors/error-facts.ts'
import type { Operation } from '../../../index.ts'
import { settled, setUp } from './setup.ts'

// The event `executed` of a hedge, which metrics count: one for each call.

const DOWN = new Error('down')
const NOT_FOUND = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})

type Case = readonly [outcome: string, attempts: number, plans: Parameters<typeof setUp>[1]]

const cases: readonly Case[] = [
  ['first_won', 1, [{ ms: 5, value: 1 }]],
  [
    'first_won',
    2,
    [
      { ms: 15, value: 1 },
      { ms: 50, value: 2 },
    ],
  ],
  [
    'hedge_won',
    2,
    [
      { ms: 500, value: 1 },
      { ms: 5, value: 2 },
    ],
  ],
  [
    'hedge_won',
    2,
    [
      { ms: 5, error: DOWN },
      { ms: 5, value: 2 },
    ],
  ],
  ['first_won', 1, [{ ms: 5, error: NOT_FOUND }]],
  [
    'hedge_won',
    2,
    [
      { ms: 500, value: 1 },
      { ms: 5, error: NOT_FOUND },
    ],
  ],
  [
    'failed',
    2,
    [
      { ms: 5, error: DOWN },
      { ms: 5, error: DOWN },
    ],
  ],
]

test.each(cases)('is %s after %i attempts: case %#', async (outcome, attempts, plans) => {
  const { clock, s, operation } = setUp({ after: 10 }, plans)
  const executed: unknown[] = []
  s.on('executed', (event) => executed.push(event))
  await settled(clock, s.run(operation))
  const durationMs = expect.any(Number)
  const error = outcome === 'failed' ? { error: DOWN } : {}
  expect(executed).toEqual([
    { type: 'executed', shield: 's', policy: 'hedge', policyType: 'hedge', outcome, attempts, durationMs, ...error },
  ])
})

test('is cancelled for a caller that aborts before an answer, and counts nothing more after one', async () => {
  const { clock, s, operation } = setUp({ after: 10 }, [{ ms: 500 }, { ms: 500 }, { ms: 5, value: 1 }])
  const executed: string[] = []
  s.on('executed', ({ outcome, attempts }) => executed.push(`${outcome} ${attempts}`))
  const aborts = new AbortController()
  const call = s.run(operation, { signal: aborts.signal })
  call.catch(() => {})
  await clock.advance(20)
  aborts.abort()
  await expect(call).rejects.toThrow()
  await settled(clock, s.run(operation))
  await expect(s.run(operation, { signal: AbortSignal.abort() })).rejects.toThrow()
  // A call that is cancelled already does not reach the hedge.
  expect(executed).toEqual(['cancelled 2', 'first_won 1'])
})

test('is decided by the first answer, also if the caller aborts while the rest of it arrives', async () => {
  const { clock, s } = setUp({ after: 10 }, [])
  const executed: string[] = []
  s.on('executed', ({ outcome, attempts }) => executed.push(`${outcome} ${attempts}`))
  const get: Operation<number> = (call) => {
    answered(call)
    return new Promise(() => {})
  }
  declareIdempotency(get, 'safe')
  const aborts = new AbortController()
  const call = s.run(get, { signal: aborts.signal })
  call.catch(() => {})
  await clock.advance(5)
  aborts.abort()
  await expect(call).rejects.toThrow()
  expect(executed).toEqual(['first_won 1'])
})

test('is not_hedged for an operation that must not run twice', async () => {
  const { clock, s } = setUp({ after: 10 }, [])
  const executed: string[] = []
  s.on('executed', ({ outcome, attempts }) => executed.push(`${outcome} ${attempts}`))
  const post: Operation<number> = () => new Promise((resolve) => clock.setTimer(() => resolve(1), 100))
  declareIdempotency(post, 'unsafe')
  expect(await settled(clock, s.run(post))).toMatchObject({ value: 1 })
  expect(executed).toEqual(['not_hedged 1'])
})
