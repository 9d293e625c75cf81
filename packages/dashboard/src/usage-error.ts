/** An error for a wrong command line. Its message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
