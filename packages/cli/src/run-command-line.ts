import { type Command, CommandError, EXIT, type Given, misuse, type Output } from './command.ts'
import { generalHelp, helpOf } from './help.ts'
import { givenOptions } from './options.ts'
import { version } from './version.ts'

/** Runs one command line and returns the exit code. Every error is one line on the error output. */
export async function runCommandLine(
  args: readonly string[],
  commands: readonly Command[],
  output: Output,
): Promise<number> {
  const [name, ...rest] = args
  try {
    if (name === undefined) {
      output.err(generalHelp(commands))
      return EXIT.misuse
    }
    if (name === '--help' || name === '-h') output.out(generalHelp(commands))
    else if (name === '--version') output.out(`${version()}\n`)
    else await runCommand(commandNamed(name, commands), rest, output)
    return EXIT.done
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    output.err(`escudo: ${error.message}\n`)
    return error.exitCode
  }
}

async function runCommand(command: Command, args: readonly string[], output: Output): Promise<void> {
  const given: Given | 'help' = givenOptions(command, args)
  if (given === 'help') output.out(helpOf(command))
  else await command.run(given, output)
}

function commandNamed(name: string, commands: readonly Command[]): Command {
  const found = commands.find((command) => command.name === name)
  if (found !== undefined) return found
  const known = commands.map((command) => command.name).join(', ')
  throw misuse(`unknown command ${JSON.stringify(name)}; the commands are: ${known}`)
}
