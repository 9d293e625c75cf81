/** The exit code of a process that was started wrongly: starting it again the same way cannot help. */
export const EXIT_MISUSE = 2

/** A wrong flag, a wrong environment value, a taken port: said in one line, without a stack. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError'
}

/**
 * Runs a process's main function. What was started wrongly ends in one line and {@link EXIT_MISUSE}; anything else
 * that fails before the process is up ends with its stack and 1.
 */
export async function main(name: string, body: () => Promise<void>): Promise<void> {
  // A reader that goes away (`npm start | head`) must not take the process with it.
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

/** A log file that cannot be opened, an address that cannot be bound: the system's own words say it all. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
