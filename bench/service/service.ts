import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UsageError } from '../command-line.ts'
import { environment } from '../environment.ts'
import { progress } from '../progress.ts'
import { CLIENT, clients } from './clients-suite.ts'
import { readServiceOptions, type ServiceOptions, USAGE } from './command-line.ts'
import { goalLines } from './goals.ts'
import { type Measured, measure, type Suite } from './measure.ts'
import { choosePinning } from './pinning.ts'
import { type BaselineOf, json, markdown, type ServiceReport } from './report.ts'
import { requests, WITH_LOG } from './requests.ts'
import { Stage } from './stage.ts'

const SUITES: readonly Suite[] = [requests, clients]

/** The names of all groups. */
const NAMES: readonly string[] = SUITES.flatMap(({ groups }) => groups)

const baselineOf: BaselineOf = (group) =>
  group === CLIENT ? { group, by: 'fetch, AbortController and timer' } : { group, by: WITH_LOG }

/** `npm run bench -- service`: the cost of a request. */
export async function service(args: readonly string[]): Promise<void> {
  const options = readServiceOptions(args)
  if (options.print !== undefined) {
    console.log(options.print === 'help' ? USAGE : NAMES.join('\n'))
    return
  }
  const report = await run(options)
  progress.end()
  console.log(options.format === 'json' ? json(report) : markdown(report, baselineOf))
}

async function run({ only, rounds, roundMs, profiles }: ServiceOptions): Promise<ServiceReport> {
  const names = namesWith(only)
  const folder = profiles === undefined ? undefined : resolve(profiles)
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const pinning = choosePinning()
  const notes: string[] = []
  const results: Measured[] = []
  for (const suite of SUITES) {
    const selected = suite.groups.filter((name) => names.includes(name))
    if (selected.length === 0) continue
    const stage = await Stage.open(pinning)
    try {
      const cases = await suite.cases(stage, selected, notes)
      const effort = { rounds, roundMs, profiles: folder, onProgress: progress.show }
      results.push(...(await measure(stage, cases, effort)))
    } finally {
      await stage.close()
    }
  }
  const goals = goalLines({ results, notes })
  return { ...environment(), rounds, roundMs, pinning: pinning.note, results, goals, notes }
}

function namesWith(only: string): readonly string[] {
  const names = NAMES.filter((name) => name.includes(only))
  if (names.length === 0) throw new UsageError(`--only '${only}' matches no group of:\n  ${NAMES.join('\n  ')}`)
  return names
}
