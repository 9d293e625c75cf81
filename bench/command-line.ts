import { parseArgs } from 'node:util'

/** What `--help` says. */
export const USAGE = `Usage: npm run bench -- [options]

  --only TEXT    only groups whose name contains TEXT
  --list         the names of all groups
  --rounds N     rounds a case, 1 to 1000 (default 40; fewer than 30 are for a first look)
  --round-ms N   how long each case runs in a round, 1 to 1000 ms (default 12)
  --keys N       how many keys the memory of keyed breakers is measured with, 1000 to 10000000 (default 1000000)
  --json         one JSON document, for programs
  --markdown     the tables alone, for README.md beside the benchmarks
  --help         this text

Tables and documents go to the standard output, progress goes to the standard error.`

/** The command line asks for something that there is not. */
export class UsageError extends Error {}

/** What was asked for. */
export interface Wishes {
  readonly only: string
  readonly rounds: number
  readonly roundMs: number
  readonly keys: number
  readonly format: 'text' | 'json' | 'markdown'
  readonly instead: 'help' | 'list' | undefined
}

/** Reads the command line. Throws a {@link UsageError} that says what is wrong. */
export function wishesOf(args: readonly string[]): Wishes {
  const values = parsed(args)
  if (values.json && values.markdown) throw new UsageError('--json and --markdown exclude each other')
  return {
    only: values.only,
    rounds: wholeNumber('--rounds', values.rounds, 1, 1_000),
    roundMs: wholeNumber('--round-ms', values['round-ms'], 1, 1_000),
    keys: wholeNumber('--keys', values.keys, 1_000, 10_000_000),
    format: values.json ? 'json' : values.markdown ? 'markdown' : 'text',
    instead: values.help ? 'help' : values.list ? 'list' : undefined,
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${option} takes a whole number from ${min} to ${max}, got '${text}'`)
  }
  return value
}

const OPTIONS = {
  only: { type: 'string', default: '' },
  list: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '40' },
  'round-ms': { type: 'string', default: '12' },
  keys: { type: 'string', default: '1000000' },
  json: { type: 'boolean', default: false },
  markdown: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
