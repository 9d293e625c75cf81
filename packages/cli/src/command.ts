/** The exit codes of all commands. */
export const EXIT = {
  /** The command did what it was told to do. */
  done: 0,
  /** The input does not allow it. */
  refused: 1,
  /** The command line is wrong. A retry with the same one cannot succeed. */
  misuse: 2,
  /** The service does not answer. A retry may succeed. */
  unreachable: 3,
} as const

/** An error that the user can act on: the text says what is wrong and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** An error for a wrong command line. */
export function misuse(message: string): CommandError {
  return new CommandError(EXIT.misuse, message)
}

/** An error for a service that does not answer. */
export function unreachable(message: string): CommandError {
  return new CommandError(EXIT.unreachable, message)
}

/** An error for an input that a command cannot accept. */
export function refused(message: string): CommandError {
  return new CommandError(EXIT.refused, message)
}

/** One option of a command. Without a `value` it is a switch. */
export interface Option {
  /** Without `--`. */
  readonly name: string
  /** What the help shows for the value, such as `FILE`. */
  readonly value?: string
  /** The option must be given. */
  readonly required?: boolean
  /** The option may be given several times. */
  readonly repeatable?: boolean
  /** One line for the help, with the default. */
  readonly text: string
}

/** One argument of a command without a name in front, such as `SHIELD`. */
export interface Operand {
  /** What the help shows; in capitals, so that it differs from the name of every option. */
  readonly name: string
  /** The operand may be left out. Only operands of this kind may follow it. */
  readonly optional?: boolean
  /** One or more arguments. It is the last operand. */
  readonly repeatable?: boolean
  /** One line for the help. */
  readonly text: string
}

/** The options and operands that were given, by name. A switch has no value, so its list is empty. */
export type Given = ReadonlyMap<string, readonly string[]>

/** Where a command writes. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** The terminal that shows the output; undefined for a file or a pipe. */
  readonly terminal?: Terminal | undefined
}

/** What a terminal can show. */
export interface Terminal {
  /** The number of columns now. */
  readonly columns: () => number
  /** The number of lines now. */
  readonly rows: () => number
  readonly hasColor: boolean
}

/** One command of the program. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Default: none. */
  readonly operands?: readonly Operand[]
  readonly options: readonly Option[]
  /** Paragraphs below the options in the help of the command. */
  readonly details: string
  /** @throws CommandError with the exit code */
  readonly run: (given: Given, output: Output) => Promise<void>
}
