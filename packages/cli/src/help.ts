import { type Command, EXIT, type Operand, type Option } from './command.ts'

const CODES = `Exit codes: ${EXIT.done} done, ${EXIT.refused} refused, ${EXIT.misuse} wrong command line, ${EXIT.unreachable} service unreachable.\n`

/** The text of `escudo --help`. */
export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const)
  return `Usage: escudo COMMAND [OPTION…]

Commands:
${columns(rows)}
  escudo COMMAND --help   show the options of a command
  escudo --version        show the version

${CODES}`
}

/** The text of `escudo COMMAND --help`. */
export function helpOf({ name, summary, operands = [], options, details }: Command): string {
  const rows = [
    ...operands.map((operand) => [operand.name, operand.text] as const),
    ...options.map((option) => [spelled(option), option.text] as const),
  ]
  const usage = [
    ...operands.map(shown),
    ...options.map((option) => (option.required === true ? spelled(option) : `[${spelled(option)}]`)),
  ].join(' ')
  return `Usage: escudo ${name} ${usage}

${summary}

${columns([...rows, ['--help', 'show this text']])}
${details}
${CODES}`
}

function shown({ name, optional, repeatable }: Operand): string {
  const all = repeatable === true ? `${name} …` : name
  return optional === true ? `[${all}]` : all
}

function spelled({ name, value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
