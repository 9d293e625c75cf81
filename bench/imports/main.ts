// `npm run bench -- imports`: how long imports of the packed library and of its peers take, in whole processes.
import { installPacked } from '../../tools/build/install.ts'
import { parsed, wholeNumber } from '../command-line.ts'
import { described, environment } from '../environment.ts'
import { CASES, measureImports, PACKAGES } from './measure.ts'
import { importTable } from './table.ts'

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
  const values = parsed(args, OPTIONS)
  if (values.help) {
    console.log(USAGE)
    return
  }
  const rounds = wholeNumber('--rounds', values.rounds, 1, 1_000)
  const project = await installPacked(PACKAGES)
  try {
    console.log(`${described(environment(PACKAGES))}; ${rounds} rounds.\n`)
    console.log(importTable(measureImports(project.folder, CASES, rounds)))
  } finally {
    project.remove()
  }
}

const OPTIONS = {
  rounds: { type: 'string', default: String(ROUNDS) },
  help: { type: 'boolean', default: false },
} as const
