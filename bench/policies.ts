import { measureGroups } from './alone.ts'
import { namesWith, type Options, readOptions, USAGE } from './command-line.ts'
import { environment } from './environment.ts'
import { goalLines } from './goals.ts'
import { GROUPS, NAMES } from './groups.ts'
import { MEMORY, measureMemory } from './memory.ts'
import { progress } from './progress.ts'
import { json, markdown, type Report } from './report.ts'

async function run({ only, rounds, roundMs, keys }: Options): Promise<Report> {
  const names = namesWith(only, NAMES)
  const groups = GROUPS.filter(({ name }) => names.includes(name))
  const { results, notes, consumed } = await measureGroups(groups, { rounds, roundMs, onProgress: progress.show })
  const memory = names.includes(MEMORY) ? await measureMemory(keys, progress.show) : []
  progress.end()
  for (const { by, notAvailable } of memory) {
    if (notAvailable !== undefined) notes.push(`${MEMORY}, ${by}: not available: ${notAvailable}`)
  }
  const goals = goalLines({ results, memory })
  return { ...environment(), rounds, roundMs, consumed, results, memory, goals, notes }
}

/** `npm run bench` without a name: escudo, its peers and a bare `await`, in one run. */
export async function policies(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  if (options.print !== undefined) {
    console.log(options.print === 'help' ? USAGE : NAMES.join('\n'))
    return
  }
  const report = await run(options)
  console.log(options.format === 'json' ? json(report) : markdown(report))
  if (options.format === 'text') console.log(`\n${report.consumed} results consumed.`)
}
