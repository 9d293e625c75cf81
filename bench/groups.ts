import { failures } from './cases/failures.ts'
import { keys } from './cases/keys.ts'
import { listeners } from './cases/listeners.ts'
import { refusals } from './cases/refusals.ts'
import { signals } from './cases/signals.ts'
import { successes } from './cases/success.ts'
import { timeouts } from './cases/timeouts.ts'
import { windows } from './cases/windows.ts'
import { UsageError } from './command-line.ts'
import type { Group } from './harness.ts'
import { MEMORY } from './memory.ts'

/** Everything that is measured in this process. */
export const GROUPS: readonly Group[] = unique([
  ...successes,
  ...refusals,
  ...failures,
  ...windows,
  ...timeouts,
  ...signals,
  ...listeners,
  ...keys,
])

/** All names, also of what is measured in processes of its own. */
export const NAMES: readonly string[] = [...GROUPS.map(({ name }) => name), MEMORY]

/** The names that contain the text; none is an error that lists them all. */
export function chosen(only: string): readonly string[] {
  const names = NAMES.filter((name) => name.includes(only))
  if (names.length === 0) throw new UsageError(`--only '${only}' fits no group; there are:\n  ${NAMES.join('\n  ')}`)
  return names
}

/** Goals and `--only` find groups by their names. */
function unique(groups: readonly Group[]): readonly Group[] {
  const seen = new Set<string>()
  for (const { name } of groups) {
    if (seen.has(name)) throw new Error(`two groups are called '${name}'`)
    seen.add(name)
  }
  return groups
}
