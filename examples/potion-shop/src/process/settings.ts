import { parseArgs } from 'node:util'
import { MisuseError } from './misuse.ts'

/** One value that a process reads: from a flag, else the environment, else the fallback. */
export interface Setting<T> {
  /** Without its dashes. */
  readonly flag: string
  /** The environment variable. An empty one counts as absent. */
  readonly env: string
  readonly fallback: T
  /** Its purpose, for `--help`. */
  readonly help: string
  /** The form of a valid value. */
  readonly takes: string
  /** Returns the value, or undefined for invalid text. */
  readonly parse: (text: string) => T | undefined
  /** Whether error messages must not repeat the value. */
  readonly secret?: boolean
}

/** The settings of a process, by their names in its code. */
export type Settings = Readonly<Record<string, Setting<unknown>>>

/** The values that {@link readSettings} returns. */
export type Values<S extends Settings> = { readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never }

/**
 * Reads a process's settings. A flag wins over the environment.
 *
 * @returns the values, or `'help'` when `--help` or `-h` is among the arguments
 * @throws MisuseError for an unknown flag, a flag without a value, a positional argument or an invalid value
 */
export function readSettings<S extends Settings>(
  settings: S,
  argv: readonly string[] = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): Values<S> | 'help' {
  const flags = readFlags(settings, argv)
  if (flags === 'help') return 'help'
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const flag = flags.get(setting.flag)
    if (flag !== undefined) values[name] = parsed(setting, flag, `--${setting.flag}`)
    else values[name] = env[setting.env] ? parsed(setting, env[setting.env] ?? '', setting.env) : setting.fallback
  }
  return values as Values<S>
}

/** The text of `--help`: the usage, then a line for each setting. */
export function helpText(usage: string, settings: Settings): string {
  const rows = Object.values(settings).map((setting) => ({
    left: `--${setting.flag}`,
    right: `${setting.help}: ${setting.takes}${setting.fallback === undefined ? '' : `, default ${setting.fallback}`}`,
    env: setting.env,
  }))
  const width = Math.max(...rows.map((row) => row.left.length))
  return [usage, '', ...rows.map((row) => `  ${row.left.padEnd(width)}  ${row.right} [${row.env}]`), ''].join('\n')
}

function readFlags(settings: Settings, argv: readonly string[]): ReadonlyMap<string, string> | 'help' {
  const known = Object.values(settings).map((setting) => setting.flag)
  const options = Object.fromEntries(known.map((flag) => [flag, { type: 'string' } as const]))
  // Not strict, because the error messages of `parseArgs` span several lines.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true, allowPositionals: true })
  const flags = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw new MisuseError(`unexpected argument '${token.value}'; see --help`)
    if (token.name === 'help' || token.name === 'h') return 'help'
    if (!known.includes(token.name)) throw new MisuseError(`unknown flag ${token.rawName}; see --help`)
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new MisuseError(`${token.rawName} needs a value; see --help`)
    }
    flags.set(token.name, token.value)
  }
  return flags
}

function parsed(setting: Setting<unknown>, text: string, source: string): unknown {
  const value = setting.parse(text)
  if (value !== undefined) return value
  const got = setting.secret === true ? 'something else' : JSON.stringify(text)
  throw new MisuseError(`${source} takes ${setting.takes}, got ${got}`)
}
