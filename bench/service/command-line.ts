import { parsed, wholeNumber } from '../command-line.ts'
import { checkPath, ROUNDS, type RoundsOptions, roundsOptions } from './rounds-options.ts'

/** The text of `--help`. */
export const USAGE = `Usage: npm run bench -- service [options]

  --only TEXT    only the groups whose name contains TEXT
  --list         print the names of all groups
  --rounds N     rounds of each case, 1 to 100 (default 5)
  --seconds S    the time of each case in a round, 0.1 to 8 (default 1)
  --requests N   requests of the memory measurement, 1000 to 10000000 (default 1000000)
  --cpu-prof DIR write a processor profile of each case to DIR, from one more round that does not count
  --python PATH  the Python of the chapter's services (default: that of bench/chapter-python/.venv, else python3)
  --json         print one JSON document
  --markdown     print only the tables
  --help         print this text

Results go to standard output, progress to standard error. docs/performance.md explains the tables.`

/** The options of a run. */
export interface ServiceOptions extends RoundsOptions {
  /** Requests of the memory measurement. */
  readonly requests: number
  readonly python: string | undefined
}

const OPTIONS = {
  ...ROUNDS,
  requests: { type: 'string', default: '1000000' },
  python: { type: 'string' },
} as const

/**
 * Reads the command line.
 *
 * @throws UsageError for an unknown option, a wrong value or options that exclude each other
 */
export function readServiceOptions(args: readonly string[]): ServiceOptions {
  const values = parsed(args, OPTIONS)
  checkPath('python', values.python)
  return {
    ...roundsOptions(values),
    requests: wholeNumber('--requests', values.requests, 1_000, 10_000_000),
    python: values.python,
  }
}
