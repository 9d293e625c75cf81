import { cacheFolder } from './cache/cache-folder.ts'
import { type Flags, parsed } from './flags.ts'
import { declared, FIELDS } from './lines/formats/declared.ts'
import { FORMAT_NAMES } from './lines/formats/format-names.ts'
import type { Declared } from './lines/formats/line-of.ts'
import { type IntakeAddress, isLoopback } from './server/intake/intake-server.ts'
import { AUTHORIZATION_VARIABLE, sourceOf } from './source/source-options.ts'
import { UsageError } from './usage-error.ts'
import { DEFAULT_THRESHOLDS, objectiveOf, THRESHOLD_NAMES, type Thresholds, thresholdOf } from './verdict/thresholds.ts'
import type { EngineAddress } from './victoria-logs/engine-client.ts'

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
  /** A log engine instead of files. */
  readonly engine?: EngineAddress
  readonly declared: Declared
  /** The limits between the states of the verdict. */
  readonly thresholds: Thresholds
}

/** Reads the files to their ends and writes a report. */
export interface ReportCommand extends Omit<OnceCommand, 'kind' | 'engine'> {
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
  /** A log engine instead of files. */
  readonly engine?: EngineAddress
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

/** The text of `--help`. */
export const HELP: string = `Usage: npx @escudo/dashboard [--port ${DEFAULT_PORT}] [--no-open] [--no-cache | --cache FOLDER] [--intake [HOST:]PORT] [--slo SLO] [--threshold NAME=VALUE]… [--once --json | --report HTML [--lang es|en]] [--format NAME] [--field NAME=KEY]… {FILE… | --source victorialogs=URL}

Shows what a system of services is doing, from its logs.

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
  --source victorialogs=URL
                 read a log engine instead of files: VictoriaLogs, one node or the front of a cluster;
                 ${AUTHORIZATION_VARIABLE} has its Authorization header, or a bearer token
  --source-header NAME:VALUE
                 send this header to the engine, such as AccountID:12; a secret belongs into the variable above
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
  const engine = engineOf(values, files, env[AUTHORIZATION_VARIABLE] || undefined)
  if (files.length === 0 && values.intake === undefined && engine === undefined)
    throw new UsageError('name at least one log file; see --help')
  const declaration = declarationOf(values)
  if (values.once !== values.json) throw new UsageError('--once and --json go together; see --help')
  const thresholds = thresholdsOf(values)
  if (values.once) {
    if (values.report !== undefined) throw new UsageError('--once and --report are alternatives; see --help')
    if (values.intake !== undefined) throw new UsageError('--once reads files only, without --intake; see --help')
    return { kind: 'once', files, declared: declaration, thresholds, ...(engine === undefined ? {} : { engine }) }
  }
  if (values.report !== undefined) {
    if (engine !== undefined) throw new UsageError('--report reads files; the page of --source has reports to download')
    if (values.intake !== undefined) throw new UsageError('--report reads files only, without --intake; see --help')
    const language = languageOf(values.lang, env)
    return { kind: 'report', files, declared: declaration, thresholds, report: values.report, language }
  }
  if (values.lang !== undefined) throw new UsageError('--lang goes with --report; see --help')
  const intake = values.intake === undefined ? undefined : intakeOf(values.intake, env[TOKEN_VARIABLE] || undefined)
  const mayOpen = !values['no-open']
  const cache = cacheOf(values, env)
  const common = { files, declared: declaration, intake, cache, mayOpen, thresholds }
  const live = { kind: 'live', ...common, ...(engine === undefined ? {} : { engine }) } as const
  if (values.port !== undefined) return { ...live, port: port(values.port, '--port') }
  const variable = env[PORT_VARIABLE]
  return { ...live, port: variable ? port(variable, PORT_VARIABLE) : DEFAULT_PORT }
}

function declarationOf({ format, field }: Flags): Declared {
  const result = declared(format, field)
  if (typeof result === 'string') throw new UsageError(`${result}; see --help`)
  return result
}

function cacheOf(flags: Flags, env: Readonly<Record<string, string | undefined>>): LiveCommand['cache'] {
  const { cache } = flags
  if (cache === '') throw new UsageError('--cache takes a folder; see --help')
  if (!flags['no-cache']) return { folder: cache ?? cacheFolder(env, process.platform), isNamed: cache !== undefined }
  if (cache !== undefined) throw new UsageError('--cache and --no-cache are alternatives; see --help')
  return undefined
}

function engineOf(
  { source, 'source-header': headers, intake, format }: Flags,
  files: readonly string[],
  authorization: string | undefined,
): EngineAddress | undefined {
  if (source === undefined) {
    if (headers.length > 0) throw new UsageError('--source-header goes with --source; see --help')
    return undefined
  }
  if (files.length > 0) throw new UsageError('--source reads an engine instead of files; see --help')
  if (intake !== undefined) throw new UsageError('--source reads an engine: send lines to it, not to --intake')
  if (format !== undefined) throw new UsageError('--format is for files; --field names the fields of an engine')
  const engine = sourceOf(source, headers, authorization)
  if (typeof engine === 'string') throw new UsageError(`${engine}; see --help`)
  return engine
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
