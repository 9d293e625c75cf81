import { describe, test, vi } from 'vitest'
import { play } from './oracle/play.ts'
import { ENTRIES, type Entry } from './oracle/policies.ts'
import { ENDLESS, SCENARIOS } from './oracle/scenarios.ts'

// Every ordered pair of policies, against everything that a call can come to. What is expected is said by a model: one
// small function for each policy (`oracle/policies.ts`), composed in the same order. Compared are the outcome and its
// instant, how often the operation was called, every counter, every event; and that nothing is left behind: no place
// taken, no timer, no listener, no unhandled rejection.

// Doubtful orders warn, which is the subject of another test.
vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

const pairs = ENTRIES.flatMap((outer) =>
  ENTRIES.filter((inner) => inner !== outer).map((inner) => [`${outer.type} > ${inner.type}`, [outer, inner]] as const),
)

const scenariosOf = (entries: readonly Entry[]) =>
  entries.some(({ type }) => type === 'timeout') ? [...SCENARIOS, ...ENDLESS] : SCENARIOS

describe.each(pairs)('%s', (_order, pair) => {
  test.each(scenariosOf(pair).map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    await play(pair, scenario)
  })

  for (const refusing of pair.filter(({ refuse }) => refuse !== undefined)) {
    test(`a refusal by ${refusing.type}: the operation is not called, nobody waits or counts`, async () => {
      for (const scenario of SCENARIOS.slice(0, 2)) await play(pair, scenario, refusing)
    })
  }
})
