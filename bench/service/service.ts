import { namesWith } from '../command-line.ts'
import { environment } from '../environment.ts'
import { progress } from '../progress.ts'
import { readServiceOptions, type ServiceOptions, USAGE } from './command-line.ts'
import { goalLines } from './goals.ts'
import type { Suite } from './measure.ts'
import { MEMORY, measureShopMemory } from './memory.ts'
import { choosePinning } from './pinning.ts'
import { json, markdown, type RoundsReport } from './report.ts'
import { baselineOf, measureSuites, stoppable } from './run-suites.ts'
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
  const report = await stoppable(() => run(options))
  progress.end()
  console.log(options.format === 'json' ? json(report) : markdown(report, baselineOf(suites(undefined))))
}

async function run(options: ServiceOptions): Promise<RoundsReport> {
  const { only, rounds, roundMs, requests: requestsOfMemory, python } = options
  const names = namesWith(only, NAMES)
  const pinning = choosePinning()
  const notes: string[] = []
  const results = await measureSuites(suites(python), names, options, pinning, notes)
  const memory = names.includes(MEMORY) ? await measureShopMemory(requestsOfMemory, pinning, progress.show) : []
  const goals = goalLines({ results, memory, notes })
  return { ...environment(PEERS), rounds, roundMs, pinning: pinning.note, results, memory, goals, notes }
}
