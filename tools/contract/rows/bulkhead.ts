import { setTimeout as delay } from 'node:timers/promises'
import { check, ok, refused } from '../walk/expectation.ts'
import { grouped } from '../walk/grouped.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'

// 4.5: a compartment for each dependency, so that a slow one drowns alone.

const SLOW_MS = 2_000
const CALLS = 40
const SERVED = 10
/** What a call to an idle dependency may take while 40 others are held on the same machine. */
const QUICK_MS = 500
const AT_ONCE_MS = 1_000

const uses = { lane: 'flaky', uses: ['flaky'] } as const
const slow = (dependency: string, ms: number) => get(`/bulkhead-demo/${dependency}?ms=${ms}`)

export const bulkhead: readonly Row[] = [
  ...['a', 'b', 'c'].map((dependency) =>
    exchange('4.5', 'through its own bulkhead', slow(dependency, 0), ok({ dependency, ms: 0 }), uses),
  ),
  exchange(
    '4.5',
    'as slow as it is told to be',
    slow('a', 300),
    ok({ dependency: 'a', ms: 300 }, { atLeastMs: 295, withinMs: 1_500 }),
    uses,
  ),
  scenario(
    '4.5',
    '40 at once on b: 10 are served, 30 refused at once, and a and c do not notice',
    async (walk) => {
      const asked = slow('b', SLOW_MS)
      const held = Array.from({ length: CALLS }, () => walk.send(asked))
      await delay(300)
      for (const dependency of ['a', 'c', 'a', 'c']) {
        await walk.ask(slow(dependency, 0), ok({ dependency, ms: 0 }, { withinMs: QUICK_MS }))
      }
      const answers = await Promise.all(held)
      const served = answers.filter((answer) => answer.status === 200)
      const refusals = answers.filter((answer) => answer.status !== 200)
      for (const answer of served) walk.judge(asked, answer, ok({ dependency: 'b', ms: SLOW_MS }))
      for (const answer of refusals)
        walk.judge(asked, answer, refused(503, 'BULKHEAD_FULL', undefined, undefined, AT_ONCE))
      walk.compare('answers 200 of 40', SERVED, served.length)
      walk.compare('answers 503 BULKHEAD_FULL of 40', CALLS - SERVED, refusals.filter(isFull).length)
      // Five at once, and five that waited for them.
      const late = served.filter((answer) => answer.ms > 1.5 * SLOW_MS).length
      walk.compare('of those served, how many had waited in the queue', 5, late)
      walk.show(`GET /bulkhead-demo/b?ms=${SLOW_MS}, 40 at once`, '200 × 10, 503 BULKHEAD_FULL × 30', counted(answers))
    },
    uses,
  ),
  exchange('4.5', 'and b serves again', slow('b', 0), ok({ dependency: 'b', ms: 0 }), uses),
]

const AT_ONCE = { withinMs: AT_ONCE_MS }

function isFull(answer: Answer): boolean {
  return check(refused(503, 'BULKHEAD_FULL'), answer, 'shop').length === 0
}

function counted(answers: readonly Answer[]): string {
  const groups = grouped(answers, (answer) => answer.failure ?? answer.status)
  return [...groups].map(([status, those]) => `${status} × ${those.length}`).join(', ')
}
