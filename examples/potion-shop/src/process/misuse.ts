/** The exit code of a process that was started wrongly. Restarting it the same way cannot help. */
export const EXIT_MISUSE = 2

/** A wrong flag, a wrong environment value or a taken port. Reported in one line, without a stack. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError'
}

/**
 * Runs a process's main function. A misuse prints one line and exits with {@link EXIT_MISUSE}. Any other error during
 * the start prints its stack and exits with 1.
 */
export async function main(name: string, body: () => Promise<void>): Promise<void> {
  // A closed pipe (`npm start | head`) must not end the process.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    await body()
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
