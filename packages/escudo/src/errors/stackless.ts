import { ReturnArgument } from './return-argument.ts'

/**
 * Creates an error without a stack.
 *
 * While a circuit is open, refusals are the hot path, and a stack costs several times everything else. V8 and
 * JavaScriptCore have `stackTraceLimit`. If it is absent or cannot be set, the error has a stack.
 */
export function stackless<E extends Error>(make: () => E): E {
  const limit = stopStacks()
  if (limit === undefined) return make()
  try {
    const error = make()
    new NoFrames(error)
    return error
  } finally {
    resumeStacks(limit)
  }
}

/** Marks an error with a private field, which costs less than to read a stack. */
class NoFrames extends ReturnArgument {
  #mark: undefined

  static marks(error: object): boolean {
    return #mark in error
  }
}

/**
 * Whether {@link stackless} made an error. Its stack is only its name and its message, but to read it, the runtime calls
 * what formats frames, which costs more than the error. A stack that a program has set is therefore not seen either.
 */
export function hasNoFrames(error: unknown): boolean {
  return typeof error === 'object' && error !== null && NoFrames.marks(error)
}

/**
 * Makes new errors have no stack, until {@link resumeStacks} is called. No code of the user may run in between.
 *
 * @returns the limit to restore; undefined if nothing was changed
 */
export function stopStacks(): number | undefined {
  try {
    const { stackTraceLimit } = Error
    if (stackTraceLimit === undefined) return undefined
    Error.stackTraceLimit = 0
    return stackTraceLimit
  } catch {
    // A hardened realm has a frozen `Error`, or accessors that throw.
    return undefined
  }
}

/** Restores what {@link stopStacks} returned. */
export function resumeStacks(limit: number): void {
  Error.stackTraceLimit = limit
}

/** Sets the text of an error's stack. A realm that forbids it keeps its own text. */
export function setStack(error: Error, text: string): void {
  try {
    error.stack = text
  } catch {
    // The setter of a hardened realm may throw.
  }
}
