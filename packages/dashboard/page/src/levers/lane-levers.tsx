import type { Lane } from '../../../src/report/lanes.ts'
import type { Action } from './act.ts'
import { lt, openLevers } from './state.ts'

// A log may write any state, also `constructor`.
const BY_STATE: ReadonlyMap<string, readonly Action[]> = new Map<string, readonly Action[]>([
  ['open', ['isolate', 'reset']],
  ['isolated', ['reset']],
  ['disabled', ['enable']],
])
const USUAL: readonly Action[] = ['isolate', 'trip']

/** The buttons of a lane that change its breaker. */
export function LaneLevers({ lane }: { readonly lane: Lane }) {
  const { shield, policy, state } = lane
  if (shield === '') return null
  const texts = lt.value
  const actions = BY_STATE.get(state) ?? USUAL
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form
    <div class="levers" role="group" aria-label={texts.leversOf(shield)}>
      {actions.map((action) => (
        <button
          key={action}
          type="button"
          aria-haspopup="dialog"
          aria-label={`${texts.actions[action]}: ${shield}`}
          onClick={() => (openLevers.value = { shield, policy, state, action })}
        >
          {texts.actions[action]}…
        </button>
      ))}
    </div>
  )
}

/** The button that opens the levers of every breaker, also of those that have no lane yet. */
export function AllLevers() {
  return (
    <button type="button" aria-haspopup="dialog" onClick={() => (openLevers.value = 'all')}>
      {lt.value.all}
    </button>
  )
}
