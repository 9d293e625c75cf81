import { parseArgs } from 'node:util'

/** The port when neither flag nor environment names one. */
export const DEFAULT_PORT = 8501

/** The environment variable that moves the port. */
export const PORT_VARIABLE = 'ESCUDO_DASHBOARD_PORT'

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | LiveCommand
  | { readonly kind: 'once'; readonly files: readonly string[] }

/** The page is asked for. */
export interface LiveCommand {
  readonly kind: 'live'
  readonly port: number
  readonly files: readonly string[]
  /** Whether the browser may open by itself. */
  readonly mayOpen: boolean
}

/** What is wrong with a command line, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The text of `--help`. */
export const HELP: string = `Usage: npm run dashboard -- [--port ${DEFAULT_PORT}] [--no-open] [--once --json] FILE…

Shows what a system of services is doing, from its JSON log files.

  --port PORT    where the page is served, on loopback; also ${PORT_VARIABLE} (default ${DEFAULT_PORT})
  --no-open      the browser does not open by itself (on a terminal it does; in CI never)
  --once --json  reads the files to their ends, prints one JSON summary and exits
  FILE…          log files, one JSON object a line; one that does not exist yet is waited for
`

/**
 * Reads the command line.
 *
 * @throws UsageError for an unknown flag, a port that is none, no file at all
 */
export function readCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  const { values, files } = parsed(args)
  if (values.help) return { kind: 'help' }
  if (files.length === 0) throw new UsageError('name at least one log file; see --help')
  if (values.once !== values.json) throw new UsageError('--once and --json go together; see --help')
  if (values.once) return { kind: 'once', files }
  const live = { kind: 'live', files, mayOpen: !values['no-open'] } as const
  if (values.port !== undefined) return { ...live, port: port(values.port, '--port') }
  const variable = env[PORT_VARIABLE]
  return { ...live, port: variable ? port(variable, PORT_VARIABLE) : DEFAULT_PORT }
}

interface Flags {
  help: boolean
  once: boolean
  json: boolean
  'no-open': boolean
  port: string | undefined
}

function parsed(args: readonly string[]): { values: Flags; files: string[] } {
  const options = {
    help: { type: 'boolean', short: 'h' },
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    'no-open': { type: 'boolean' },
    port: { type: 'string' },
  } as const
  // Not strict, since its own messages run over several lines.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true })
  const values: Flags = { help: false, once: false, json: false, 'no-open': false, port: undefined }
  const files: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') files.push(token.value)
    if (token.kind !== 'option') continue
    if (token.name === 'port') {
      if (token.value === undefined) throw new UsageError('--port needs a value; see --help')
      values.port = token.value
    } else if (isSwitch(token.name)) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value; see --help`)
      values[token.name] = true
    } else throw new UsageError(`unknown flag ${token.rawName}; see --help`)
  }
  return { values, files }
}

function isSwitch(name: string): name is Exclude<keyof Flags, 'port'> {
  return name === 'help' || name === 'once' || name === 'json' || name === 'no-open'
}

function port(text: string, source: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > 65_535) {
    throw new UsageError(`${source} takes a port, 1 to 65535, got ${JSON.stringify(text)}`)
  }
  return value
}
