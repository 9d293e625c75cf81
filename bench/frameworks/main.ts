// `npm run bench -- frameworks`: each framework alone, with its usual request logger, and with escudo.
import { namesWith } from '../command-line.ts'
import { environment } from '../environment.ts'
import { progress } from '../progress.ts'
import { choosePinning } from '../service/pinning.ts'
import { json, markdown } from '../service/report.ts'
import { baselineOf, measureSuites, stoppable } from '../service/run-suites.ts'
import { readFrameworksOptions, USAGE } from './command-line.ts'
import { goalLines } from './goals.ts'
import { suites } from './suites.ts'

/** The packages whose versions a report names. */
const PACKAGES = [
  ...['pino', 'fastify', 'express', 'pino-http', 'hono', '@hono/node-server', 'koa', 'koa-pino-logger'],
  ...['@nestjs/core', 'nestjs-pino'],
]

/** The names of all groups. */
export const NAMES: readonly string[] = suites.flatMap(({ groups }) => groups)

/**
 * Measures the frameworks and prints a report.
 *
 * @throws UsageError for a wrong option
 */
export async function main(args: readonly string[]): Promise<void> {
  const options = readFrameworksOptions(args)
  if (options.print !== undefined) {
    console.log(options.print === 'help' ? USAGE : NAMES.join('\n'))
    return
  }
  const names = namesWith(options.only, NAMES)
  const pinning = choosePinning()
  const notes: string[] = []
  const results = await stoppable(() => measureSuites(suites, names, options, pinning, notes))
  progress.end()
  const { rounds, roundMs, format } = options
  const goals = goalLines(results)
  const report = { ...environment(PACKAGES), rounds, roundMs, pinning: pinning.note, results, goals, notes }
  console.log(format === 'json' ? json(report) : markdown(report, baselineOf(suites)))
}
