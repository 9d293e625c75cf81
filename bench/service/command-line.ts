import { COMMON, type CommonOptions, commonOptions, parsed, UsageError, wholeNumber } from '../command-line.ts'

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
export interface ServiceOptions extends CommonOptions {
  readonly rounds: number
  readonly roundMs: number
  /** Requests of the memory measurement. */
  readonly requests: number
  readonly profiles: string | undefined
  readonly python: string | undefined
}

/** A circuit of the shop stays open for 10 s, and must stay open for the whole load. */
const SECONDS_MAX = 8
const SECONDS_MIN = 0.1

const OPTIONS = {
  ...COMMON,
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1' },
  requests: { type: 'string', default: '1000000' },
  'cpu-prof': { type: 'string' },
  python: { type: 'string' },
} as const

/**
 * Reads the command line.
 *
 * @throws UsageError for an unknown option, a wrong value or options that exclude each other
 */
export function readServiceOptions(args: readonly string[]): ServiceOptions {
  const values = parsed(args, OPTIONS)
  for (const option of ['cpu-prof', 'python'] as const) {
    if (values[option] === '') throw new UsageError(`--${option} takes a path, got ''`)
  }
  return {
    ...commonOptions(values),
    rounds: wholeNumber('--rounds', values.rounds, 1, 100),
    roundMs: seconds(values.seconds) * 1_000,
    requests: wholeNumber('--requests', values.requests, 1_000, 10_000_000),
    profiles: values['cpu-prof'],
    python: values.python,
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= SECONDS_MIN && value <= SECONDS_MAX)) {
    throw new UsageError(`--seconds takes a number from ${SECONDS_MIN} to ${SECONDS_MAX}, got '${text}'`)
  }
  return value
}
