import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { namesWith } from '../command-line.ts'
import { environment } from '../environment.ts'
import { progress } from '../progress.ts'
import { readServiceOptions, type ServiceOptions, USAGE } from './command-line.ts'
import { goalLines } from './goals.ts'
import { type Measured, measure, type Suite } from './measure.ts'
import { MEMORY, measureShopMemory } from './memory.ts'
import { choosePinning } from './pinning.ts'
import { type BaselineOf, json, markdown, type ServiceReport } from './report.ts'
import { Stage } from './stage.ts'
import { chapter } from './suites/chapter.ts'
import { clients } from './suites/clients.ts'
import { requests } from './suites/requests.ts'
import { shop } from './suites/shop.ts'

/** The groups that are measured in rounds. */
const suites = (python: string | undefined): readonly Suite[] => [requests, shop, chapter(python), clients]

/** The packages whose versions a report names. */
const PEERS = ['fastify', 'pino', 'zod', 'undici', 'opossum', 'cockatiel']

/** The names of all groups, including the one that is not measured in rounds. */
export const NAMES: readonly string[] = [...suites(undefined).flatMap(({ groups }) => groups), MEMORY]

/** `npm run bench -- service`: the cost of a request. */
export async function service(args: readonly string[]): Promise<void> {
  const options = readServiceOptions(args)
  if (options.print !== undefined) {
    console.log(options.print === 'help' ? USAGE : NAMES.join('\n'))
    return
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  const report = await run(options).catch(async (error) => {
    // The processes ended because of the signal, which made the run fail.
    await stopping
    throw error
  })
  progress.end()
  console.log(options.format === 'json' ? json(report) : markdown(report, baselineOf))
}

let stopping: Promise<never> | undefined

/** No process and no log file may stay behind. */
function stop(): void {
  stopping ??= Stage.closeAll().then(
    () => process.exit(1),
    () => process.exit(1),
  )
}

const baselineOf: BaselineOf = (group) =>
  suites(undefined)
    .find(({ groups }) => groups.includes(group))
    ?.baselineOf(group)

async function run({
  only,
  rounds,
  roundMs,
  requests: requestsOfMemory,
  profiles,
  python,
}: ServiceOptions): Promise<ServiceReport> {
  const names = namesWith(only, NAMES)
  const folder = profiles === undefined ? undefined : resolve(profiles)
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const pinning = choosePinning()
  const notes: string[] = []
  const results: Measured[] = []
  for (const suite of suites(python)) {
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
  const memory = names.includes(MEMORY) ? await measureShopMemory(requestsOfMemory, pinning, progress.show) : []
  const goals = goalLines({ results, memory, notes })
  return { ...environment(PEERS), rounds, roundMs, pinning: pinning.note, results, memory, goals, notes }
}
