import { type LastFailure, reportOnce } from '../../core/events/events.ts'
import type { Operation } from '../../core/operation.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import {
  checkedName,
  finiteNumber,
  knownKeys,
  oneOf,
  optionalSyncFunction,
  readMaxKeys,
  requiredFunction,
  share,
  wholeNumber,
} from '../../core/options/options.ts'
import type { Classify } from '../../core/outcome.ts'
import { drawFrom } from '../../core/random.ts'
import { checkedSharedState, type SharedState } from '../../core/shared-state.ts'
import { synchronous } from '../../errors/options/synchronous.ts'
import { read } from '../../errors/safe-read.ts'
import type { Backoff } from '../shared/state/backoff.ts'
import type { HealthCheckSettings } from './health-check.ts'
import { readSaved } from './saved-options.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'
import type {
  BreakerMode,
  BreakerSettings,
  HalfOpenSettings,
  OpenPeriodSettings,
  RampSettings,
} from './state/settings.ts'
import { checkedTrip } from './state/trips/any-trip.ts'
import { failureRate } from './state/trips/trip.ts'
import type { Trip } from './state/trips/trip-rule.ts'

/** Options of `circuitBreaker`. */
export interface CircuitBreakerOptions<R = unknown> {
  /** When the circuit opens. Default {@link failureRate}: half of at least 20 calls in 30 s fail. */
  readonly trip?: Trip
  /**
   * The open period: a duration, or one that grows with each consecutive opening. Default `'10s'`.
   *
   * With jitter, as in `exponential({ base: '5s', max: '1m', jitter: 'equal' })`, the instances of a service do not probe
   * at the same time. A function receives the number of consecutive openings, from 1, and the last failure, and returns
   * milliseconds. If it throws or returns anything else, this is reported once, and the circuit stays open for 10 s. An
   * open period is at least 1 ms long.
   *
   * It starts again at `base` after the circuit has closed. If the failure that opens the circuit has a longer
   * `retryAfterMs` (the dependency's `Retry-After`), the circuit stays open that long. A hint counts as 60 s at most.
   */
  readonly openFor?:
    | Duration
    | { readonly base: Duration; readonly factor: number; readonly max: Duration }
    | Backoff
    | ((opening: number, lastFailure: LastFailure | undefined) => number)
  /**
   * How a half-open circuit decides whether the dependency has recovered.
   *
   * At most `probes` calls (default 1, from 1 to 10 000) go through. The circuit closes when the share `closeAt`
   * (default 1) of them has succeeded, and opens as soon as that is out of reach. A probe that has not settled within
   * `lease` (default `'60s'`) counts as a failure.
   */
  readonly halfOpen?: { readonly probes?: number; readonly closeAt?: number; readonly lease?: Duration }
  /** What counts as a failure; must be synchronous. Default: every thrown error except business errors. */
  readonly classify?: Classify<R>
  /** `'observe'` counts, changes the state and emits events, but rejects nothing. Default `'enforce'`. */
  readonly mode?: BreakerMode
  /** One circuit per `call.key`, at most `maxKeys` (default 10 000). Default: one circuit for all calls. */
  readonly perKey?: { readonly maxKeys?: number }
  /**
   * A health check that runs in the background while the circuit is open or half-open. Default: none.
   *
   * It runs for the first time `every` after the circuit opened. The circuit closes when the operation neither throws
   * nor rejects, whatever it returns. The operation receives a call with a signal and a deadline; it is cancelled when
   * the next check is due.
   */
  readonly probe?: { readonly operation: Operation<unknown>; readonly every: Duration }
  /**
   * How traffic returns after the probes or the health check have succeeded. Default: all traffic at once.
   *
   * Each of the rising shares in `steps` (1 to 100 of them) applies for the duration `each`; then all calls go through.
   * A trip opens the circuit again.
   */
  readonly ramp?: { readonly steps: readonly number[]; readonly each: Duration }
  /** The result of `save()`, from this process or another. Cannot be combined with `perKey`. */
  readonly restore?: SavedBreaker
  /**
   * Shares the circuit with the other instances of the service, through Redis: `fleet()` of `escudo/redis`. Default: each
   * process has a separate circuit. Cannot be combined with `perKey`. Shields with the same name share the circuit, if the
   * breaker has the same name in them.
   *
   * Each instance still decides by its own calls. When at least `quorum` of them see the dependency failing, the circuit
   * opens in all of them, with a reason such as `fleet: 5 of 8`. Then one instance probes for all. No call waits for Redis.
   * With fewer than three instances, and while Redis does not answer, each circuit is separate.
   */
  readonly shared?: SharedState
  /**
   * The share of the instances with enough calls that must see the dependency failing, at least two of them. Above 0, at
   * most 1. Default 0.5. Only with `shared`.
   */
  readonly quorum?: number
  /** The name in events, errors and the status. Default: `circuitBreaker`. */
  readonly name?: string
}

/** The validated options of a circuit breaker. */
export interface CircuitBreakerSettings<R> extends Omit<BreakerSettings, 'onTransition'> {
  readonly name: string
  readonly classify: Classify<R> | undefined
  /** Undefined: one circuit for all calls. */
  readonly maxKeys: number | undefined
  readonly healthCheck: HealthCheckSettings | undefined
  readonly restore: SavedBreaker | undefined
  /** Undefined: the circuit is that of this process. */
  readonly sharing: { readonly state: SharedState; readonly quorum: number } | undefined
}

const PATH = 'circuitBreaker'
const KNOWN: readonly (keyof CircuitBreakerOptions)[] = [
  'trip',
  'openFor',
  'halfOpen',
  'classify',
  'mode',
  'perKey',
  'probe',
  'ramp',
  'restore',
  'shared',
  'quorum',
  'name',
]
// The same maximum as the default of a retry.
const RETRY_AFTER_MAX_MS = 60_000
const COMPUTED_DEFAULT_MS = 10_000
const RAMP_STEPS_MAX = 100

/**
 * Reads and validates all options of a circuit breaker.
 *
 * @throws ConfigurationError for an invalid option, with its path
 */
export function readCircuitBreaker<R>(options: CircuitBreakerOptions<R>): CircuitBreakerSettings<R> {
  knownKeys(options, PATH, KNOWN)
  if (options.perKey !== undefined && options.restore !== undefined) {
    throw new ConfigurationError(`${PATH}.restore`, 'a saved state belongs to one circuit: omit `restore` or `perKey`')
  }
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    classify: optionalSyncFunction(options.classify, `${PATH}.classify`),
    trip: readTrip(options.trip ?? failureRate()),
    openPeriod: readOpenPeriod(options.openFor ?? '10s'),
    halfOpen: readHalfOpen(options.halfOpen ?? {}),
    mode: oneOf(options.mode ?? 'enforce', `${PATH}.mode`, ['enforce', 'observe']),
    maxKeys: readMaxKeys(options.perKey, `${PATH}.perKey`),
    healthCheck: options.probe === undefined ? undefined : readHealthCheck(options.probe),
    ramp: options.ramp === undefined ? undefined : readRamp(options.ramp),
    restore: options.restore === undefined ? undefined : readSaved(options.restore, `${PATH}.restore`),
    sharing: readSharing(options),
  }
}

function readSharing({
  shared,
  quorum,
  perKey,
}: CircuitBreakerOptions<never>): CircuitBreakerSettings<never>['sharing'] {
  if (shared === undefined) {
    if (quorum === undefined) return undefined
    throw new ConfigurationError(`${PATH}.quorum`, 'this option needs `shared`: a circuit of one process has no votes')
  }
  if (perKey !== undefined) {
    throw new ConfigurationError(`${PATH}.shared`, 'the circuits of keys cannot be shared: omit `shared` or `perKey`')
  }
  return {
    state: checkedSharedState(shared, `${PATH}.shared`),
    quorum: share(quorum ?? 0.5, `${PATH}.quorum`),
  }
}

/** Reads the option `trip`. */
function readTrip(trip: Trip): Trip {
  return checkedTrip(trip, `${PATH}.trip`)
}

/** Reads the option `openFor`. */
function readOpenPeriod(openFor: NonNullable<CircuitBreakerOptions['openFor']>): OpenPeriodSettings {
  if (typeof openFor === 'function') return computed(openFor, (opening, lastFailure) => openFor(opening, lastFailure))
  if (isBackoff(openFor)) {
    const lengthMs: LengthMs = (opening, _, previousMs, random) =>
      openFor.delayMs(opening - 1, () => drawFrom(random), previousMs)
    return computed(openFor, lengthMs)
  }
  if (typeof openFor !== 'object') {
    const baseMs = toMs(openFor, `${PATH}.openFor`, 1)
    return { baseMs, factor: 1, maxMs: baseMs, retryAfterMaxMs: RETRY_AFTER_MAX_MS }
  }
  knownKeys(openFor, `${PATH}.openFor`, ['base', 'factor', 'max'])
  const baseMs = toMs(openFor.base, `${PATH}.openFor.base`, 1)
  const factor = finiteNumber(openFor.factor, `${PATH}.openFor.factor`, 1)
  const maxMs = toMs(openFor.max, `${PATH}.openFor.max`, baseMs)
  return { baseMs, factor, maxMs, retryAfterMaxMs: RETRY_AFTER_MAX_MS }
}

function isBackoff(openFor: unknown): openFor is Backoff {
  return typeof read(openFor, 'delayMs') === 'function'
}

type LengthMs = NonNullable<OpenPeriodSettings['lengthMs']>

/**
 * The settings of an open period that code of the user computes.
 *
 * The circuit opens at the outcome of any call, or in a timer: an error must reach neither.
 */
function computed(given: object, compute: LengthMs): OpenPeriodSettings {
  const path = `${PATH}.openFor`
  const lengthMs: LengthMs = (...args) => {
    try {
      return Math.max(1, toMs(synchronous(compute(...args), path), path))
    } catch (error) {
      reportOnce(given, error, path)
      return COMPUTED_DEFAULT_MS
    }
  }
  // Nothing is known about its longest one, to which a restored open period is limited.
  return {
    baseMs: COMPUTED_DEFAULT_MS,
    factor: 1,
    maxMs: Number.POSITIVE_INFINITY,
    retryAfterMaxMs: RETRY_AFTER_MAX_MS,
    lengthMs,
  }
}

/** Reads the option `halfOpen`. */
function readHalfOpen(halfOpen: NonNullable<CircuitBreakerOptions['halfOpen']>): HalfOpenSettings {
  const path = `${PATH}.halfOpen`
  knownKeys(halfOpen, path, ['probes', 'closeAt', 'lease'])
  return {
    probes: wholeNumber(halfOpen.probes ?? 1, `${path}.probes`, 1, 10_000),
    closeAt: share(halfOpen.closeAt ?? 1, `${path}.closeAt`),
    leaseMs: toMs(halfOpen.lease ?? '60s', `${path}.lease`, 1),
  }
}

function readHealthCheck(probe: NonNullable<CircuitBreakerOptions['probe']>): HealthCheckSettings {
  const path = `${PATH}.probe`
  knownKeys(probe, path, ['operation', 'every'])
  const operation = requiredFunction(probe.operation, `${path}.operation`)
  return { operation, everyMs: toMs(probe.every, `${path}.every`, 1) }
}

function readRamp(ramp: NonNullable<CircuitBreakerOptions['ramp']>): RampSettings {
  const path = `${PATH}.ramp`
  knownKeys(ramp, path, ['steps', 'each'])
  const { steps } = ramp
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > RAMP_STEPS_MAX) {
    throw new ConfigurationError(
      `${path}.steps`,
      `expected a list of 1 to ${RAMP_STEPS_MAX} shares, got ${show(steps)}`,
    )
  }
  // Copied, so that later mutation cannot bypass validation.
  const checked = Array.from(steps, (step, index) => share(step, `${path}.steps[${index}]`))
  const notRising = checked.findIndex((step, index) => step <= (checked[index - 1] ?? 0))
  if (notRising >= 0) {
    throw new ConfigurationError(
      `${path}.steps[${notRising}]`,
      `expected a larger share than the one before, got ${checked[notRising]}`,
    )
  }
  return { steps: checked, eachMs: toMs(ramp.each, `${path}.each`, 1) }
}
