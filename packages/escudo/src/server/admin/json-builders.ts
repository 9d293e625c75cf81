import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { aimd } from '../../policies/adaptive-limiter/state/aimd.ts'
import { gradient2 } from '../../policies/adaptive-limiter/state/gradient2.ts'
import { vegas } from '../../policies/adaptive-limiter/state/vegas.ts'
import { anyTrip } from '../../policies/circuit-breaker/state/trips/any-trip.ts'
import { consecutive, failureRate, slowCallRate } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { constant, exponential, linear } from '../../policies/retry/state/backoff.ts'

type Build = (argument: never) => unknown

const BACKOFFS: Readonly<Record<string, Build>> = { constant, linear, exponential }

const TRIP = 'circuitBreaker.trip'

// What a program makes by calling a function: by the type of the policy and the option, then the name of the function.
const BUILDERS: Readonly<Record<string, Readonly<Record<string, Build>>>> = {
  [TRIP]: { consecutive, failureRate, slowCallRate },
  'circuitBreaker.openFor': BACKOFFS,
  'retry.backoff': BACKOFFS,
  'adaptiveLimiter.algorithm': { aimd, gradient2, vegas },
}

const ANY_TRIP_MAX = 10

/** An invalid part of a value that was built from JSON. */
export class InvalidPart extends ConfigurationError {
  /** Where the part is in the options. */
  readonly keys: readonly string[]

  constructor(keys: readonly string[], path: string, problem: string) {
    super(path, problem)
    this.keys = keys
  }
}

/**
 * Builds the value of an option from JSON: `{ "failureRate": { "threshold": 0.3 } }` becomes
 * `failureRate({ threshold: 0.3 })`, and `{ "anyTrip": [ … ] }` a trip of several.
 *
 * @param option the type of the policy and the option: `circuitBreaker.trip`
 * @param keys where the value is in the options
 * @returns the built value; any other value as it is
 * @throws InvalidPart if the function rejects its argument
 */
export function builtFromJson(option: string, value: unknown, keys: readonly string[]): unknown {
  const entry = singleEntry(value)
  if (entry === undefined || !Object.hasOwn(BUILDERS, option)) return value
  const [name, argument] = entry
  const inside = [...keys, name]
  if (option === TRIP && name === 'anyTrip' && Array.isArray(argument) && argument.length <= ANY_TRIP_MAX) {
    const trips = argument.map((trip, index) => builtFromJson(TRIP, trip, [...inside, String(index)]))
    return build(anyTrip as (...trips: never[]) => unknown, trips, inside)
  }
  const make = Object.hasOwn(BUILDERS[option] ?? {}, name) ? BUILDERS[option]?.[name] : undefined
  return make === undefined ? value : build(make, [argument], inside)
}

function build(make: (...args: never[]) => unknown, args: readonly unknown[], keys: readonly string[]): unknown {
  try {
    return make(...(args as never[]))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const { path, message } = error
    const rest = path.split(/[.[\]]+/).slice(1)
    // `consecutive.n` and `constant.delay` are the argument itself.
    const isNamed = typeof args[0] === 'object' && args[0] !== null && Object.hasOwn(args[0], rest[0] ?? '')
    throw new InvalidPart(isNamed ? [...keys, ...rest] : keys, path, message.replace(`${path}: `, ''))
  }
}

function singleEntry(value: unknown): readonly [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const [entry, ...others] = Object.entries(value)
  return others.length === 0 ? entry : undefined
}
