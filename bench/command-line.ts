import { type ParseArgsConfig, parseArgs } from 'node:util'

/** The text of `--help`. */
export const USAGE = `Usage: npm run bench -- [options]
       npm run bench -- dashboard [options]     the dashboard's goals; see dashboard --help
       npm run bench -- fleet [options]         shared limits over Redis; see fleet --help
       npm run bench -- fleet-torture [options] a fleet while Redis and processes fail; see fleet-torture --help
       npm run bench -- frameworks [options]    what a request costs on each framework; see frameworks --help
       npm run bench -- imports [options]       how long imports take; see imports --help
       npm run bench -- service [options]       the cost of a request; see service --help

  --only TEXT    only the groups whose name contains TEXT
  --list         print the names of all groups
  --rounds N     rounds of each case, 1 to 1000 (default 40; fewer than 30 give rough figures only)
  --round-ms N   the time of each case in a round, 1 to 1000 ms (default 12)
  --keys N       keys for the memory of keyed breakers, 1000 to 10000000 (default 1000000)
  --json         print one JSON document
  --markdown     print only the tables, as in bench/README.md
  --help         print this text

Results go to standard output, progress to standard error.`

/** The command line is invalid. */
export class UsageError extends Error {}

/** The options of every run that has groups. */
export interface CommonOptions {
  readonly only: string
  readonly format: 'text' | 'json' | 'markdown'
  /** What to print instead of a run. */
  readonly print: 'help' | 'list' | undefined
}

/** The options of a run. */
export interface Options extends CommonOptions {
  readonly rounds: number
  readonly roundMs: number
  readonly keys: number
}

/**
 * Reads the command line.
 *
 * @throws UsageError for an unknown option, a wrong value or options that exclude each other
 */
export function readOptions(args: readonly string[]): Options {
  const values = parsed(args, OPTIONS)
  return {
    ...commonOptions(values),
    rounds: wholeNumber('--rounds', values.rounds, 1, 1_000),
    roundMs: wholeNumber('--round-ms', values['round-ms'], 1, 1_000),
    keys: wholeNumber('--keys', values.keys, 1_000, 10_000_000),
  }
}

/** @throws UsageError for options that exclude each other */
export function commonOptions({ only, list, json, markdown, help }: Parsed<typeof COMMON>): CommonOptions {
  if (json && markdown) throw new UsageError('--json and --markdown exclude each other')
  return {
    only,
    format: json ? 'json' : markdown ? 'markdown' : 'text',
    print: help ? 'help' : list ? 'list' : undefined,
  }
}

/**
 * The names that contain the text.
 *
 * @throws UsageError if none does
 */
export function namesWith(only: string, names: readonly string[]): readonly string[] {
  const selected = names.filter((name) => name.includes(only))
  if (selected.length === 0) throw new UsageError(`--only '${only}' matches no group of:\n  ${names.join('\n  ')}`)
  return selected
}

/** @throws UsageError if the text is not a whole number within the bounds */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${option} takes a whole number from ${min} to ${max}, got '${text}'`)
  }
  return value
}

/** What {@link commonOptions} reads. */
export const COMMON = {
  only: { type: 'string', default: '' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  markdown: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const OPTIONS = {
  ...COMMON,
  rounds: { type: 'string', default: '40' },
  'round-ms': { type: 'string', default: '12' },
  keys: { type: 'string', default: '1000000' },
} as const

type OptionsConfig = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends OptionsConfig> = ReturnType<typeof parseArgs<{ options: O }>>['values']

/** @throws UsageError for an unknown option and for an argument that is not an option */
export function parsed<const O extends OptionsConfig>(args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
