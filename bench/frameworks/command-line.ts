import { parsed } from '../command-line.ts'
import { ROUNDS, type RoundsOptions, roundsOptions } from '../service/rounds-options.ts'

/** The text of `--help`. */
export const USAGE = `Usage: npm run bench -- frameworks [options]

  --only TEXT    only the groups whose name contains TEXT, for example 'Express:'
  --list         print the names of all groups
  --rounds N     rounds of each case, 1 to 100 (default 5)
  --seconds S    the time of each case in a round, 0.1 to 8 (default 1)
  --cpu-prof DIR write a processor profile of each case to DIR, from one more round that does not count
  --json         print one JSON document
  --markdown     print only the tables
  --help         print this text

Results go to standard output, progress to standard error. docs/performance.md explains the tables.`

/**
 * Reads the command line.
 *
 * @throws UsageError for an unknown option, a wrong value or options that exclude each other
 */
export function readFrameworksOptions(args: readonly string[]): RoundsOptions {
  return roundsOptions(parsed(args, ROUNDS))
}
