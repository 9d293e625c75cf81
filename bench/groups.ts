import { faces } from './cases/faces.ts'
import { failures } from './cases/failures.ts'
import { keys } from './cases/keys.ts'
import { listeners } from './cases/listeners.ts'
import { refusals } from './cases/refusals.ts'
import { signals } from './cases/signals.ts'
import { successes } from './cases/success.ts'
import { timeouts } from './cases/timeouts.ts'
import { windows } from './cases/windows.ts'
import type { Group } from './harness.ts'
import { MEMORY } from './memory.ts'

/** The groups that are measured in rounds. */
export const GROUPS: readonly Group[] = unique([
  ...successes,
  ...refusals,
  ...failures,
  ...windows,
  ...timeouts,
  ...signals,
  ...listeners,
  ...keys,
  ...faces,
])

/** The names of all groups, including the one that is not measured in rounds. */
export const NAMES: readonly string[] = [...GROUPS.map(({ name }) => name), MEMORY]

/** Names must be unique, because goals and `--only` find groups by name. */
function unique(groups: readonly Group[]): readonly Group[] {
  const seen = new Set<string>()
  for (const { name } of groups) {
    if (seen.has(name)) throw new Error(`two groups have the name '${name}'`)
    seen.add(name)
  }
  return groups
}
