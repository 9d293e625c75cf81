/**
 * A mistake in the program that uses a shield: a call without a key, or a value that a policy cannot handle.
 *
 * It says nothing about the dependency, so policies ignore it whatever a classifier says, and no fallback hides it.
 */
export class MisuseError extends TypeError {}

/** Whether an error is a {@link MisuseError}. Returns false for a proxy whose traps throw. */
export function isMisuse(error: unknown): boolean {
  try {
    return error instanceof MisuseError
  } catch {
    return false
  }
}
