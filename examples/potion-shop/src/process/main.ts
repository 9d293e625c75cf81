import { EXIT_MISUSE, MisuseError } from './misuse.ts'
import { helpText, readSettings, type Settings, type Values } from './settings.ts'

/**
 * Runs a process's main function with its settings; `--help` prints `usage` and the settings instead.
 *
 * A misuse prints one line and exits with {@link EXIT_MISUSE}. Any other error during the start prints its stack and
 * exits with 1.
 */
export async function main<S extends Settings>(
  name: string,
  usage: string,
  settings: S,
  body: (values: Values<S>) => Promise<void>,
): Promise<void> {
  // A closed pipe (`npm start | head`) must not end the process.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    const values = readSettings(settings)
    if (values === 'help') process.stdout.write(helpText(`Usage: ${usage} [flags]`, settings))
    else await body(values)
  } catch (error) {
    const misuse = error instanceof MisuseError || isSystemError(error)
    process.stderr.write(`${name}: ${misuse ? error.message : text(error)}\n`)
    process.exit(misuse ? EXIT_MISUSE : 1)
  }
}

/** For example a log file that cannot be opened. The system's message is enough; no stack is needed. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
