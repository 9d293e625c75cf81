// `npm run bench -- imports`: how long imports of the packed library and of its peers take, in whole processes.
import { parseArgs } from 'node:util'
import { installPacked } from '../../tools/build/install.ts'
import { UsageError } from '../command-line.ts'
import { environment } from '../environment.ts'
import { CASES, measureImports, PACKAGES } from './measure.ts'
import { table } from './table.ts'

const ROUNDS = 31

const USAGE = `Usage: npm run bench -- imports [--rounds N]

Packs and installs the library, and measures whole processes that import it or one of its peers.

  --rounds N   rounds of each case, 1 to 1000 (default ${ROUNDS})
  --help       print this text`

/**
 * Installs the library from its tarball and prints a table of its imports.
 *
 * @throws UsageError for an unknown option or a wrong number of rounds
 */
export async function main(args: readonly string[]): Promise<void> {
  const rounds = readRounds(args)
  if (rounds === 'help') {
    console.log(USAGE)
    return
  }
  const project = await installPacked(PACKAGES)
  try {
    const { node, cpu, cores } = environment()
    console.log(`Node ${node}, ${cpu}, ${cores} cores, ${rounds} rounds\n`)
    console.log(table(measureImports(project.folder, CASES, rounds)))
  } finally {
    project.remove()
  }
}

function readRounds(args: readonly string[]): number | 'help' {
  let text: string
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { rounds: { type: 'string', default: String(ROUNDS) }, help: { type: 'boolean', default: false } },
    })
    if (values.help) return 'help'
    text = values.rounds
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) {
    throw new UsageError(`--rounds takes a whole number from 1 to 1000, got '${text}'`)
  }
  return rounds
}
