import { parseArgs } from 'node:util'
import { type Command, type Given, misuse } from './command.ts'

/**
 * Reads the options and operands of a command.
 *
 * @returns `help` if the command line asks for help, even if the rest of it is wrong
 * @throws CommandError for an unknown, repeated or missing option, a missing value, and a missing or surplus operand
 */
export function givenOptions({ name, operands = [], options }: Command, args: readonly string[]): Given | 'help' {
  const seeHelp = `see escudo ${name} --help`
  const types = options.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const)
  // Not strict: the error messages of strict mode span several lines.
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) return 'help'
  const given = new Map<string, string[]>()
  let count = 0
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const operand = operands[count] ?? operands.at(-1)
      if (operand === undefined || (count >= operands.length && operand.repeatable !== true)) {
        throw misuse(`unexpected argument ${JSON.stringify(token.value)}; ${seeHelp}`)
      }
      if (token.value === '') throw misuse(`${operand.name} is empty; ${seeHelp}`)
      given.set(operand.name, [...(given.get(operand.name) ?? []), token.value])
      count += 1
    }
    if (token.kind !== 'option') continue
    const option = options.find((one) => one.name === token.name)
    if (option === undefined) throw misuse(`unknown option ${token.rawName}; ${seeHelp}`)
    const values = given.get(option.name)
    if (values !== undefined && option.repeatable !== true) throw misuse(`${token.rawName} may be given only once`)
    if (option.value === undefined && token.value !== undefined) throw misuse(`${token.rawName} takes no value`)
    // `--out --force` forgets the value. `--out=--force` means it.
    if (option.value !== undefined && (!token.value || (!token.inlineValue && token.value.startsWith('-')))) {
      throw misuse(`${token.rawName} needs a value: ${token.rawName} ${option.value}`)
    }
    given.set(option.name, [...(values ?? []), ...(token.value === undefined ? [] : [token.value])])
  }
  const absent = operands.find((operand) => operand.optional !== true && !given.has(operand.name))
  if (absent !== undefined) throw misuse(`${absent.name} is missing; ${seeHelp}`)
  const missing = options.find((option) => option.required === true && !given.has(option.name))
  if (missing !== undefined) throw misuse(`--${missing.name} ${missing.value} is missing; ${seeHelp}`)
  return given
}

/** The value of an option or operand; undefined if it was not given. */
export function givenValue(given: Given, name: string): string | undefined {
  return given.get(name)?.[0]
}

/**
 * Reads a number.
 *
 * @throws CommandError if it is not a decimal number from `min` to `max`
 */
export function numberOf(given: Given, name: string, range: { min: number; max: number; default: number }): number {
  const text = givenValue(given, name)
  if (text === undefined) return range.default
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= range.min && value <= range.max) return value
  throw misuse(`--${name} takes a number from ${range.min} to ${range.max}, got ${JSON.stringify(text)}`)
}
