import { parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'

/** The flags of a command line. */
export interface Flags {
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
  source: string | undefined
  'source-header': string[]
}

/**
 * Splits a command line into flags and files.
 *
 * @throws UsageError for an unknown flag, or a value that is missing or too much
 */
export function parsed(args: readonly string[]): { values: Flags; files: string[] } {
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
    source: { type: 'string' },
    'source-header': { type: 'string', multiple: true },
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
    source: undefined,
    'source-header': [],
  }
  const files: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') files.push(token.value)
    if (token.kind !== 'option') continue
    if (isText(token.name)) {
      if (token.value === undefined) throw new UsageError(`--${token.name} needs a value; see --help`)
      if (token.name === 'field' || token.name === 'threshold' || token.name === 'source-header')
        values[token.name].push(token.value)
      else values[token.name] = token.value
    } else if (isSwitch(token.name)) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value; see --help`)
      values[token.name] = true
    } else throw new UsageError(`unknown flag ${token.rawName}; see --help`)
  }
  return { values, files }
}

const TEXT_FLAGS = [
  'port',
  'cache',
  'intake',
  'format',
  'field',
  'slo',
  'threshold',
  'report',
  'lang',
  'source',
  'source-header',
] as const

function isText(name: string): name is (typeof TEXT_FLAGS)[number] {
  return (TEXT_FLAGS as readonly string[]).includes(name)
}

const SWITCHES = ['help', 'once', 'json', 'no-open', 'no-cache'] as const

function isSwitch(name: string): name is (typeof SWITCHES)[number] {
  return (SWITCHES as readonly string[]).includes(name)
}
