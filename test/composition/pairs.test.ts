import { describe, test, vi } from 'vitest'
import type { Entry } from './oracle/entry.ts'
import { play } from './oracle/play.ts'
import { ENTRIES } from './oracle/policies.ts'
import { ENDLESS, SCENARIOS } from './oracle/scenarios.ts'

// Every ordered pair of policies, in every scenario. A model gives the expected result: one small function per policy
// (`oracle/policies.ts`), composed in the same order. Compared are the outcome and its time, how often the operation was
// called, every counter and every event. Nothing may be left: no permit, no timer, no listener, no unhandled rejection.

// Other tests cover the warnings about doubtful orders.
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
    test(`a refusal by ${refusing.type}: the operation is not called, nothing waits or counts`, async () => {
      for (const scenario of SCENARIOS.slice(0, 2)) await play(pair, scenario, refusing)
    })
  }
})
