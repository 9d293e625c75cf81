import { parseArgs } from 'node:util'
import { cacheFolder } from './cache/cache-folder.ts'
import { declared, FIELDS } from './lines/formats/declared.ts'
import { FORMAT_NAMES } from './lines/formats/format-names.ts'
import type { Declared } from './lines/formats/line-of.ts'
import { type IntakeAddress, isLoopback } from './server/intake/intake-server.ts'
import { DEFAULT_THRESHOLDS, objectiveOf, THRESHOLD_NAMES, type Thresholds, thresholdOf } from './verdict/thresholds.ts'

/** The port used when neither the flag nor the environment sets one. */
const DEFAULT_PORT = 8501

/** The environment variable that sets the port. */
export const PORT_VARIABLE = 'ESCUDO_DASHBOARD_PORT'

/** The environment variable with the token of senders. */
const TOKEN_VARIABLE = 'ESCUDO_DASHBOARD_TOKEN'
const TOKEN = /^[\x21-\x7e]{16,200}$/

/** A parsed command line. */
export type Command = { readonly kind: 'help' } | LiveCommand | OnceCommand | ReportCommand

/** Reads the files to their ends and prints one summary. */
export interface OnceCommand {
  readonly kind: 'once'
  readonly files: readonly string[]
  readonly declared: Declared
  /** The limits between the states of the verdict. */
  readonly thresholds: Thresholds
}

/** Reads the files to their ends and writes a report. */
export interface ReportCommand extends Omit<OnceCommand, 'kind'> {
  readonly kind: 'report'
  /** The HTML file to write. */
  readonly report: string
  readonly language: 'es' | 'en'
}

/** Serves the page and follows the files. */
export interface LiveCommand {
  readonly kind: 'live'
  readonly port: number
  readonly files: readonly string[]
  readonly declared: Declared
  /** Where other programs may send lines; undefined for nowhere. */
  readonly intake: IntakeAddress | undefined
  /** Where the state is stored; undefined for nowhere. A folder that was named stores it whatever was read. */
  readonly cache: { readonly folder: string; readonly isNamed: boolean } | undefined
  /** Whether the browser may be opened automatically. */
  readonly mayOpen: boolean
  /** The limits between the states of the verdict. */
  readonly thresholds: Thresholds
}

/** An error for a wrong command line. Its message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The text of `--help`. */
export const HELP: string = `Usage: npx @escudo/dashboard [--port ${DEFAULT_PORT}] [--no-open] [--no-cache | --cache FOLDER] [--intake [HOST:]PORT] [--slo SLO] [--threshold NAME=VALUE]… [--once --json | --report HTML [--lang es|en]] [--format NAME] [--field NAME=KEY]… FILE…

Shows what a system of services is doing, from its log files.

  --port PORT    serve the page on this loopback port; also ${PORT_VARIABLE} (default ${DEFAULT_PORT})
  --no-open      do not open the browser (the default is to open it on a terminal, and never in CI)
  --cache FOLDER store there what was read, so that a restart goes on from it (default: escudo-dashboard in the cache folder
                 of the user, such as ~/.cache, once more than 4 MiB were read)
  --no-cache     store nothing, and read all files from their beginning
  --intake [HOST:]PORT
                 also take log lines over HTTP: POST /lines, and OTLP/JSON logs at /v1/logs (default host 127.0.0.1);
                 beyond this machine, ${TOKEN_VARIABLE} must be set, and senders must know it
  --slo SLO      judge by an objective: 99.9, or 99.9,300ms with a latency; the verdict speaks of its burn rate
  --threshold NAME=VALUE
                 changes a limit of the verdict, such as failing-share=10% or latency-max=2s; see docs/dashboard.md
  --once --json  read the files to the end, print one JSON summary with the verdict, and exit
  --report HTML  read the files to the end, write one HTML file that needs no script and no network, and exit
  --lang es|en   the language of the report (default: that of LC_ALL, LC_MESSAGES or LANG, else en)
  --format NAME  read all lines as this format instead of recognising it: ${FORMAT_NAMES.join(', ')}
  --field NAME=KEY[:UNIT]
                 read a field from this key, for example latency=duration:ns or status=http.code;
                 NAME: ${FIELDS.join(', ')}; UNIT of a latency: ns, us, ms, s
  FILE…          log files, directories, patterns such as 'logs/*.log', gzip files, named pipes, or - for the
                 standard input; a missing file is read once it exists
`

/**
 * Parses the command line.
 *
 * @throws UsageError for an unknown flag, an invalid value, or no file
 */
export function readCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  const { values, files } = parsed(args)
  if (values.help) return { kind: 'help' }
  if (files.length === 0 && values.intake === undefined) throw new UsageError('name at least one log file; see --help')
  const declaration = declarationOf(values)
  if (values.once !== values.json) throw new UsageError('--once and --json go together; see --help')
  const thresholds = thresholdsOf(values)
  if (values.once) {
    if (values.report !== undefined) throw new UsageError('--once and --report are alternatives; see --help')
    if (values.intake !== undefined) throw new UsageError('--once reads files only, without --intake; see --help')
    return { kind: 'once', files, declared: declaration, thresholds }
  }
  if (values.report !== undefined) {
    if (values.intake !== undefined) throw new UsageError('--report reads files only, without --intake; see --help')
    const language = languageOf(values.lang, env)
    return { kind: 'report', files, declared: declaration, thresholds, report: values.report, language }
  }
  if (values.lang !== undefined) throw new UsageError('--lang goes with --report; see --help')
  const intake = values.intake === undefined ? undefined : intakeOf(values.intake, env[TOKEN_VARIABLE] || undefined)
  const mayOpen = !values['no-open']
  const cache = cacheOf(values, env)
  const live = { kind: 'live', files, declared: declaration, intake, cache, mayOpen, thresholds } as const
  if (values.port !== undefined) return { ...live, port: port(values.port, '--port') }
  const variable = env[PORT_VARIABLE]
  return { ...live, port: variable ? port(variable, PORT_VARIABLE) : DEFAULT_PORT }
}

interface Flags {
  help: boolean
  once: boolean
  json: boolean
  'no-open': boolean
  'no-cache': boolean
  cache: string | undefined
  port: string | undefined
  intake: string | undefined
  format: string | undefined
  field: string[]
  slo: string | undefined
  report: string | undefined
  lang: string | undefined
  threshold: string[]
}

function declarationOf({ format, field }: Flags): Declared {
  const result = declared(format, field)
  if (typeof result === 'string') throw new UsageError(`${result}; see --help`)
  return result
}

function parsed(args: readonly string[]): { values: Flags; files: string[] } {
  const options = {
    help: { type: 'boolean', short: 'h' },
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    'no-open': { type: 'boolean' },
    'no-cache': { type: 'boolean' },
    cache: { type: 'string' },
    port: { type: 'string' },
    intake: { type: 'string' },
    format: { type: 'string' },
    field: { type: 'string', multiple: true },
    slo: { type: 'string' },
    report: { type: 'string' },
    lang: { type: 'string' },
    threshold: { type: 'string', multiple: true },
  } as const
  // Not strict: the error messages of strict mode span several lines.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true })
  const values: Flags = {
    help: false,
    once: false,
    json: false,
    'no-open': false,
    'no-cache': false,
    cache: undefined,
    port: undefined,
    intake: undefined,
    format: undefined,
    field: [],
    slo: undefined,
    report: undefined,
    lang: undefined,
    threshold: [],
  }
  const files: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') files.push(token.value)
    if (token.kind !== 'option') continue
    if (isText(token.name)) {
      if (token.value === undefined) throw new UsageError(`--${token.name} needs a value; see --help`)
      if (token.name === 'field' || token.name === 'threshold') values[token.name].push(token.value)
      else values[token.name] = token.value
    } else if (isSwitch(token.name)) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value; see --help`)
      values[token.name] = true
    } else throw new UsageError(`unknown flag ${token.rawName}; see --help`)
  }
  return { values, files }
}

const TEXT_FLAGS = ['port', 'cache', 'intake', 'format', 'field', 'slo', 'threshold', 'report', 'lang'] as const

function isText(name: string): name is (typeof TEXT_FLAGS)[number] {
  return (TEXT_FLAGS as readonly string[]).includes(name)
}

const SWITCHES = ['help', 'once', 'json', 'no-open', 'no-cache'] as const

function isSwitch(name: string): name is (typeof SWITCHES)[number] {
  return (SWITCHES as readonly string[]).includes(name)
}

function cacheOf(flags: Flags, env: Readonly<Record<string, string | undefined>>): LiveCommand['cache'] {
  const { cache } = flags
  if (cache === '') throw new UsageError('--cache takes a folder; see --help')
  if (!flags['no-cache']) return { folder: cache ?? cacheFolder(env, process.platform), isNamed: cache !== undefined }
  if (cache !== undefined) throw new UsageError('--cache and --no-cache are alternatives; see --help')
  return undefined
}

function languageOf(flag: string | undefined, env: Readonly<Record<string, string | undefined>>): 'es' | 'en' {
  if (flag === 'es' || flag === 'en') return flag
  if (flag !== undefined) throw new UsageError(`--lang takes es or en, got ${JSON.stringify(flag)}`)
  return /^es\b/i.test((env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '').replace('_', '-')) ? 'es' : 'en'
}

function thresholdsOf({ slo, threshold }: Flags): Thresholds {
  let thresholds = DEFAULT_THRESHOLDS
  for (const text of threshold) {
    const changed = thresholdOf(text)
    if (changed === undefined) {
      throw new UsageError(
        `--threshold takes NAME=VALUE with one of ${THRESHOLD_NAMES.join(', ')}; got ${JSON.stringify(text)}`,
      )
    }
    thresholds = { ...thresholds, ...changed }
  }
  if (slo === undefined) return thresholds
  const objective = objectiveOf(slo)
  if (objective === undefined) {
    throw new UsageError(
      `--slo takes a percentage below 100 and a latency, such as 99.9,300ms; got ${JSON.stringify(slo)}`,
    )
  }
  return { ...thresholds, objective }
}

function intakeOf(text: string, token: string | undefined): IntakeAddress {
  const [, name, number = ''] = /^(?:(\[[0-9a-f:.]+\]|[^:\s]+):)?(\d+)$/i.exec(text) ?? []
  const host = name?.replace(/^\[|\]$/g, '') ?? '127.0.0.1'
  if (token !== undefined && !TOKEN.test(token))
    throw new UsageError(`${TOKEN_VARIABLE} takes 16 to 200 visible ASCII characters`)
  if (token === undefined && !isLoopback(host))
    throw new UsageError(
      `--intake ${text} can be reached from other machines: set ${TOKEN_VARIABLE}, which senders must know`,
    )
  return { host, port: port(number, '--intake'), token }
}

function port(text: string, source: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > 65_535) {
    throw new UsageError(`${source} takes a port from 1 to 65535, got ${JSON.stringify(text)}`)
  }
  return value
}
