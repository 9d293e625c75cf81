import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consumedResults, type Effort, type Group, type Measurements, measure } from './harness.ts'

const CHILD = fileURLToPath(new URL('alone/group.ts', import.meta.url))
const OUTPUT_BYTES_MAX = 2 ** 24

/** Measures groups: those that are `alone` in a process each, the others together in this one. */
export async function measureGroups(groups: readonly Group[], effort: Effort): Promise<Measurements> {
  const { results, notes } = await measure(
    groups.filter(({ alone }) => alone === undefined),
    effort,
  )
  let consumed = consumedResults()
  for (const { name, alone } of groups) {
    if (alone === undefined) continue
    effort.onProgress?.(`in a separate process: ${name}`)
    const measured = await measureAlone(name, effort)
    results.push(...measured.results)
    notes.push(...measured.notes)
    consumed += measured.consumed
  }
  return { results, notes, consumed }
}

async function measureAlone(name: string, { rounds, roundMs }: Effort): Promise<Measurements> {
  const args = ['--conditions=@escudo/source', CHILD, name, String(rounds), String(roundMs)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: OUTPUT_BYTES_MAX })
  return JSON.parse(stdout) as Measurements
}
