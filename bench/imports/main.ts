// `npm run bench -- imports`: how long imports of the packed library and of its peers take, in whole processes.
import { parseArgs } from 'node:util'
import { installPacked } from '../../tools/build/install.ts'
import { UsageError } from '../command-line.ts'
import { environment } from '../environment.ts'
import { CASES, measureImports, PACKAGES } from './measure.ts'
import { table } from './table.ts'

const ROUNDS = 31

/**
 * Installs the library from its tarball and prints a table of its imports.
 *
 * @throws UsageError for an unknown option or a wrong number of rounds
 */
export async function main(args: readonly string[]): Promise<void> {
  const rounds = readRounds(args)
  const project = await installPacked(PACKAGES)
  try {
    const { node, cpu, cores } = environment()
    console.log(`Node ${node}, ${cpu}, ${cores} cores, ${rounds} rounds\n`)
    console.log(table(measureImports(project.folder, CASES, rounds)))
  } finally {
    project.remove()
  }
}

function readRounds(args: readonly string[]): number {
  let text: string
  try {
    text = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: String(ROUNDS) } } }).values
      .rounds
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) {
    throw new UsageError(`--rounds takes a whole number from 1 to 1000, got '${text}'`)
  }
  return rounds
}
