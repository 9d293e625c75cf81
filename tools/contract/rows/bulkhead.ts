import { setTimeout as delay } from 'node:timers/promises'
import { check, ok, refused } from '../walk/expectation.ts'
import { grouped } from '../walk/grouped.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'

// 4.5: a bulkhead for each dependency, so that a slow one does not affect the others.

const SLOW_MS = 2_000
const CALLS = 40
const SERVED = 10
/** The limit for a call to an idle dependency while 40 other calls run on the same machine. */
const QUICK_MS = 500
const IMMEDIATE_MS = 1_000

const uses = { lane: 'flaky', uses: ['flaky'] } as const
const slow = (dependency: string, ms: number) => get(`/bulkhead-demo/${dependency}?ms=${ms}`)

export const bulkhead: readonly Row[] = [
  ...['a', 'b', 'c'].map((dependency) =>
    exchange(
      '4.5',
      `calls dependency ${dependency} through its bulkhead`,
      slow(dependency, 0),
      ok({ dependency, ms: 0 }),
      uses,
    ),
  ),
  exchange(
    '4.5',
    'waits as long as the query requires',
    slow('a', 300),
    ok({ dependency: 'a', ms: 300 }, { atLeastMs: 295, withinMs: 1_500 }),
    uses,
  ),
  scenario(
    '4.5',
    'of 40 concurrent calls to b serves 10 and rejects 30; a and c stay quick',
    async (walk) => {
      const asked = slow('b', SLOW_MS)
      const calls = Array.from({ length: CALLS }, () => walk.send(asked))
      await delay(300)
      for (const dependency of ['a', 'c', 'a', 'c']) {
        await walk.ask(slow(dependency, 0), ok({ dependency, ms: 0 }, { withinMs: QUICK_MS }))
      }
      const answers = await Promise.all(calls)
      const served = answers.filter((answer) => answer.status === 200)
      const refusals = answers.filter((answer) => answer.status !== 200)
      for (const answer of served) walk.judge(asked, answer, ok({ dependency: 'b', ms: SLOW_MS }))
      for (const answer of refusals)
        walk.judge(asked, answer, refused(503, 'BULKHEAD_FULL', undefined, undefined, IMMEDIATELY))
      walk.compare('answers 200 of 40', SERVED, served.length)
      walk.compare('answers 503 BULKHEAD_FULL of 40', CALLS - SERVED, refusals.filter(isFull).length)
      // Five run at once; five wait in the queue.
      const queued = served.filter((answer) => answer.ms > 1.5 * SLOW_MS).length
      walk.compare('served calls that waited in the queue', 5, queued)
      walk.show(
        `GET /bulkhead-demo/b?ms=${SLOW_MS}, 40 concurrent calls`,
        '200 × 10, 503 BULKHEAD_FULL × 30',
        counted(answers),
      )
    },
    uses,
  ),
  exchange('4.5', 'serves b again after the burst', slow('b', 0), ok({ dependency: 'b', ms: 0 }), uses),
]

const IMMEDIATELY = { withinMs: IMMEDIATE_MS }

function isFull(answer: Answer): boolean {
  return check(refused(503, 'BULKHEAD_FULL'), answer, 'shop').length === 0
}

function counted(answers: readonly Answer[]): string {
  const groups = grouped(answers, (answer) => answer.failure ?? answer.status)
  return [...groups].map(([status, those]) => `${status} × ${those.length}`).join(', ')
}
