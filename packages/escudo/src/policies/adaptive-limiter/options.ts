import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { checkedName, knownKeys, wholeNumber } from '../../core/options/options.ts'
import { gradient2 } from './state/gradient2.ts'
import type { LimitAlgorithm, LimitSettings } from './state/limit.ts'

/** Options of `adaptiveLimiter`. */
export interface AdaptiveLimiterOptions {
  /** How the limit adapts: `gradient2()`, `vegas()` or `aimd({ timeout })`. Default `gradient2()`. */
  readonly algorithm?: LimitAlgorithm
  /** The lowest limit. Default 1. */
  readonly min?: number
  /** The highest limit. Default 1000, or `min` if that is higher. */
  readonly max?: number
  /** The first limit. Default 20, or the nearest bound. */
  readonly initial?: number
  /** Default: `adaptiveLimiter`. */
  readonly name?: string
}

/** The options of an adaptive limiter, read and validated. */
interface ReadOptions {
  readonly name: string
  readonly algorithm: LimitAlgorithm
  readonly limit: LimitSettings
}

const PATH = 'adaptiveLimiter'
const INITIAL = 20
const MAX = 1000

/** Reads and validates all options of an adaptive limiter. */
export function readAdaptiveLimiter(options: AdaptiveLimiterOptions): ReadOptions {
  knownKeys(options, PATH, ['algorithm', 'min', 'max', 'initial', 'name'])
  const name = checkedName(options.name ?? PATH, `${PATH}.name`)
  const limit = readLimit(options)
  return { name, limit, algorithm: checkedAlgorithm(options.algorithm ?? gradient2()) }
}

function readLimit(options: AdaptiveLimiterOptions): LimitSettings {
  const min = wholeNumber(options.min ?? 1, `${PATH}.min`, 1)
  const max = wholeNumber(options.max ?? Math.max(MAX, min), `${PATH}.max`, min)
  const initial = wholeNumber(options.initial ?? Math.min(max, Math.max(min, INITIAL)), `${PATH}.initial`, min, max)
  return { min, max, initial }
}

function checkedAlgorithm(algorithm: LimitAlgorithm): LimitAlgorithm {
  if (typeof algorithm?.create === 'function') return algorithm
  throw new ConfigurationError(
    `${PATH}.algorithm`,
    `expected gradient2(), vegas() or aimd({ timeout }), got ${show(algorithm)}`,
  )
}
