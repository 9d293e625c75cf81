import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { progress } from '../progress.ts'
import { type Measured, measure, type Suite } from './measure.ts'
import type { Pinning } from './pinning.ts'
import type { BaselineOf } from './report.ts'
import type { RoundsOptions } from './rounds-options.ts'
import { Stage } from './stage.ts'

/**
 * Measures groups, one suite after the other.
 *
 * @param names those of the selected groups
 * @param notes gets one for each case that is not available
 */
export async function measureSuites(
  suites: readonly Suite[],
  names: readonly string[],
  { rounds, roundMs, profiles }: Pick<RoundsOptions, 'rounds' | 'roundMs' | 'profiles'>,
  pinning: Pinning,
  notes: string[],
): Promise<Measured[]> {
  const folder = profiles === undefined ? undefined : resolve(profiles)
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const results: Measured[] = []
  for (const suite of suites) {
    const selected = suite.groups.filter((name) => names.includes(name))
    if (selected.length === 0) continue
    const stage = await Stage.open(pinning)
    try {
      const cases = await suite.cases(stage, selected, notes)
      const effort = { rounds, roundMs, profiles: folder, onProgress: progress.show, wait: delay }
      results.push(...(await measure(stage, cases, effort)))
    } finally {
      await stage.close()
    }
  }
  return results
}

/** What the cases of a group in one of the suites are compared with. */
export function baselineOf(suites: readonly Suite[]): BaselineOf {
  return (group) => suites.find(({ groups }) => groups.includes(group))?.baselineOf(group)
}

let stopping: Promise<never> | undefined

/** Runs a benchmark. On SIGINT and SIGTERM it ends the processes and deletes the log files. */
export async function stoppable<T>(run: () => Promise<T>): Promise<T> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  try {
    return await run()
  } catch (error) {
    // The processes ended because of the signal, which made the run fail.
    await stopping
    throw error
  }
}

function stop(): void {
  stopping ??= Stage.closeAll().then(
    () => process.exit(1),
    () => process.exit(1),
  )
}
