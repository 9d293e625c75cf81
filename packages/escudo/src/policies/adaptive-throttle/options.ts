import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, finiteNumber, knownKeys } from '../../core/options/options.ts'

/** Options of `adaptiveThrottle`. */
export interface AdaptiveThrottleOptions {
  /**
   * The load that is sent, as a multiple of the load that the dependency accepts. Default 2. A value closer to 1
   * rejects sooner; a higher one detects a recovery sooner.
   */
  readonly k?: number
  /** How far back it looks. Default `'2m'`. */
  readonly window?: Duration
  /** Default: `adaptiveThrottle`. */
  readonly name?: string
}

/** The options of an adaptive throttle, read and validated. */
interface ReadOptions {
  readonly name: string
  readonly k: number
  readonly windowMs: number
}

const PATH = 'adaptiveThrottle'

/** Reads and validates all options of an adaptive throttle. */
export function readAdaptiveThrottle(options: AdaptiveThrottleOptions): ReadOptions {
  knownKeys(options, PATH, ['k', 'window', 'name'])
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    k: finiteNumber(options.k ?? 2, `${PATH}.k`, 1),
    windowMs: toMs(options.window ?? '2m', `${PATH}.window`, 1),
  }
}
