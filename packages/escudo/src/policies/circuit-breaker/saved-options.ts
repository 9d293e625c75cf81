import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { checkedName, finiteNumber, knownKeys, oneOf, wholeNumber } from '../../core/options/options.ts'
import type { SavedBreaker, SavedFailure } from './state/saved-breaker.ts'
import type { SavedCounts } from './state/trips/trip-rule.ts'

const OPEN_KEYS = ['remainingMs', 'openedAgoMs', 'openings', 'failures', 'calls', 'reason', 'lastFailure']

/**
 * Reads and validates a saved state. It is untrusted input, because it comes from a file or a store.
 *
 * @param path the path of the option, for errors
 * @throws ConfigurationError for an invalid field, with its path
 */
export function readSaved(saved: unknown, path: string): SavedBreaker {
  knownKeys(saved, path, ['state', ...OPEN_KEYS, 'rampedMs', 'counts'])
  const given = saved as Readonly<Record<string, unknown>>
  const state = oneOf(given['state'], `${path}.state`, ['closed', 'open', 'half-open', 'isolated', 'disabled'])
  switch (state) {
    case 'isolated':
    case 'disabled':
      knownKeys(saved, path, ['state'])
      return { state }
    case 'closed':
      knownKeys(saved, path, ['state', 'rampedMs', 'counts'])
      return {
        state,
        ...(given['rampedMs'] === undefined
          ? {}
          : { rampedMs: finiteNumber(given['rampedMs'], `${path}.rampedMs`, 0) }),
        ...(given['counts'] === undefined ? {} : { counts: readCounts(given['counts'], `${path}.counts`) }),
      }
    default:
      knownKeys(saved, path, ['state', ...OPEN_KEYS])
      return {
        state,
        remainingMs: finiteNumber(given['remainingMs'], `${path}.remainingMs`, 0),
        openedAgoMs: finiteNumber(given['openedAgoMs'], `${path}.openedAgoMs`, 0),
        openings: wholeNumber(given['openings'], `${path}.openings`, 1),
        failures: wholeNumber(given['failures'], `${path}.failures`, 0),
        calls: wholeNumber(given['calls'], `${path}.calls`, 0),
        ...(given['reason'] === undefined ? {} : { reason: checkedName(given['reason'], `${path}.reason`) }),
        ...(given['lastFailure'] === undefined ? {} : { lastFailure: readSavedFailure(given['lastFailure'], path) }),
      }
  }
}

function readSavedFailure(saved: unknown, restorePath: string): SavedFailure {
  const path = `${restorePath}.lastFailure`
  knownKeys(saved, path, ['name', 'code', 'agoMs'])
  const { name, code, agoMs } = saved as Readonly<Record<string, unknown>>
  return {
    name: checkedName(name, `${path}.name`),
    ...(code === undefined ? {} : { code: checkedName(code, `${path}.code`) }),
    agoMs: finiteNumber(agoMs, `${path}.agoMs`, 0),
  }
}

// More than any program has; a trip of a million calls is the longest.
const TRIPS_MAX = 100
const OUTCOMES = /^[01]{1,1000000}$/

function readCounts(saved: unknown, path: string): readonly (SavedCounts | null)[] {
  if (!Array.isArray(saved) || saved.length > TRIPS_MAX) {
    throw new ConfigurationError(path, `expected a list of at most ${TRIPS_MAX} counts, got ${show(saved)}`)
  }
  return Array.from(saved, (counts: unknown, index) =>
    counts === null ? null : readCount(counts, `${path}[${index}]`),
  )
}

function readCount(saved: unknown, path: string): SavedCounts {
  knownKeys(saved, path, ['failures', 'calls', 'outcomes'])
  const { failures, calls, outcomes } = saved as Readonly<Record<string, unknown>>
  if (outcomes === undefined) {
    return { failures: wholeNumber(failures, `${path}.failures`, 0), calls: wholeNumber(calls, `${path}.calls`, 0) }
  }
  if (typeof outcomes === 'string' && OUTCOMES.test(outcomes)) return { outcomes }
  throw new ConfigurationError(`${path}.outcomes`, `expected text of 0 and 1, got ${show(outcomes)}`)
}
