// `npm run bench`: escudo, its peers and a bare `await`, in one process and one run. See README.md beside this file.
import { USAGE, UsageError, type Wishes, wishesOf } from './command-line.ts'
import { environment } from './environment.ts'
import { goalLines } from './goals.ts'
import { chosen, GROUPS, NAMES } from './groups.ts'
import { consumedResults, measure } from './harness.ts'
import { MEMORY, measureMemory } from './memory.ts'
import { progress } from './progress.ts'
import { json, markdown, type Report } from './report.ts'

async function run({ only, rounds, roundMs, keys }: Wishes): Promise<Report> {
  const names = chosen(only)
  const groups = GROUPS.filter(({ name }) => names.includes(name))
  const { results, notes } = await measure(groups, { rounds, roundMs, onProgress: progress.tell })
  const memory = names.includes(MEMORY) ? await measureMemory(keys, progress.tell) : []
  progress.end()
  for (const { by, notAvailable } of memory) {
    if (notAvailable !== undefined) notes.push(`${MEMORY}, ${by}: not available: ${notAvailable}`)
  }
  const goals = goalLines({ results, memory })
  return { ...environment(), rounds, roundMs, consumed: consumedResults(), results, memory, goals, notes }
}

async function main(): Promise<void> {
  const wishes = wishesOf(process.argv.slice(2))
  if (wishes.instead !== undefined) {
    console.log(wishes.instead === 'help' ? USAGE : NAMES.join('\n'))
    return
  }
  const report = await run(wishes)
  console.log(wishes.format === 'json' ? json(report) : markdown(report))
  if (wishes.format === 'text') console.log(`\n${report.consumed} results consumed.`)
}

try {
  await main()
} catch (error) {
  progress.end()
  if (!(error instanceof UsageError)) throw error
  console.error(`bench: ${error.message}\nbench: --help tells what there is`)
  process.exitCode = 1
}
