import { read } from '../../errors/safe-read.ts'
import { ConfigurationError } from './configuration-error.ts'
import { show } from './durations.ts'
import { knownKeys, unknownOption } from './options.ts'

// The checks of one call's options. They run on every call that has options, so a valid call allocates nothing here.

const PATH = 'run'
const KNOWN = ['signal', 'deadline', 'key', 'priority', 'cost']

/** Checks that the options of a call are an object with known keys. */
export function checkRunOptions(options: object): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) knownKeys(options, PATH, KNOWN)
  for (const key in options) {
    switch (key) {
      case 'signal':
      case 'deadline':
      case 'key':
      case 'priority':
      case 'cost':
        continue
      default:
        refuseUnknown(options, key)
    }
  }
}

function refuseUnknown(options: object, key: string): void {
  if (isSignal(options)) throw new ConfigurationError(PATH, 'expected options, got an AbortSignal; pass { signal }')
  if (read(read(options, 'root'), 'host') !== undefined) {
    throw new ConfigurationError(PATH, 'expected options, got a call; pass { signal: call.signal }')
  }
  // An inherited key is not an option: a program may have extended the prototype of all objects.
  if (Object.hasOwn(options, key)) throw unknownOption(PATH, key, KNOWN)
}

/**
 * Reads an optional signal.
 *
 * A signal of another realm or of a polyfill is accepted if it has what a call uses of it.
 */
export function checkedSignal(signal: unknown, path: string): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal || isSignal(signal)) return signal
  const controller = isSignal(read(signal, 'signal'))
  const got = controller ? 'an AbortController; pass controller.signal' : show(signal)
  throw new ConfigurationError(path, `expected an AbortSignal, got ${got}`)
}

function isSignal(value: unknown): value is AbortSignal {
  return (
    typeof read(value, 'aborted') === 'boolean' &&
    typeof read(value, 'addEventListener') === 'function' &&
    typeof read(value, 'removeEventListener') === 'function'
  )
}

/** Reads the key of a call. Text only: some policies would treat 5 and '5' as one key, others as two keys. */
export function checkedKey(key: unknown, path = 'run.key'): string | undefined {
  if (key === undefined || typeof key === 'string') return key
  throw new ConfigurationError(path, `expected text, got ${show(key)}`)
}

/** Reads a priority. NaN is refused: it is neither above nor below any number, so a queue cannot sort it. */
export function checkedPriority(priority: unknown, path = 'run.priority'): number {
  if (priority === undefined) return 0
  if (typeof priority === 'number' && !Number.isNaN(priority)) return priority
  throw new ConfigurationError(path, `expected a number, got ${show(priority)}`)
}
