/** The exit code of a process that was started wrongly. Restarting it the same way cannot help. */
export const EXIT_MISUSE = 2

/** A wrong flag, a wrong environment value or a taken port. Reported in one line, without a stack. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError'
}
