import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, oneOf, readMaxKeys, trueOrFalse, wholeNumber } from '../../core/options/options.ts'
import { checkedSharedState, type OnLoss, type SharedState } from '../../core/shared-state.ts'
import type { BulkheadSettings } from './state/bulkhead-state.ts'

/** Options of `bulkhead`. */
export interface BulkheadOptions {
  /** How many operations may run at the same time. */
  readonly limit: number
  /** How many more calls may wait for a permit. Default 0: a call without a permit is rejected immediately. */
  readonly queue?: number
  /** How long a call may wait in the queue. Default: no limit. */
  readonly maxWait?: Duration
  /**
   * Which waiting call is served next. `'fifo'`, the default: the oldest. `'lifo'`: the newest, since under overload
   * the callers of the oldest calls have probably stopped waiting; set a `maxWait` with it. `'priority'`: the call with
   * the highest `priority`, the oldest among equals. If the queue is full, a call with a higher priority displaces the
   * waiting call with the lowest one, the newest among equals.
   */
  readonly order?: 'fifo' | 'lifo' | 'priority'
  /**
   * Separate permits and a separate queue for each `call.key`. Default: one set for all calls. At most `maxKeys` keys
   * (default 10 000) are kept. The least recently used key is evicted first, a key with permits in use last.
   */
  readonly perKey?: { readonly maxKeys?: number }
  /**
   * Shares the permits with the other instances of the service, through Redis: `fleet()` of `escudo/redis`. Default: each
   * process has `limit` permits. Excludes `perKey`. Shields with the same name share the permits, if the bulkhead has the
   * same name in them.
   *
   * Each instance holds some permits in advance, so that no call waits for Redis. A call that finds none waits for the
   * next ones in the queue, so set a `queue` and a `maxWait`. The permits of a process that dies return within 5 s.
   */
  readonly shared?: SharedState
  /** Whether each call asks Redis for its permit: no permit is held in advance, and every call waits for Redis. Default false. */
  readonly exact?: boolean
  /**
   * What an instance does while Redis does not answer. `'share'`, the default: it has the limit divided by the number of
   * instances that lived last, at least 1. `'open'`: it has the whole limit. `'closed'`: it has the permits that it holds,
   * for 4 s, then none.
   */
  readonly onLoss?: OnLoss
  /** Default: `bulkhead`. */
  readonly name?: string
}

/** The options of a bulkhead whose fleet shares the permits. */
export interface SharingSettings {
  readonly state: SharedState
  readonly exact: boolean
  readonly onLoss: OnLoss
}

/** The options of a bulkhead, read and validated. */
interface ReadOptions {
  readonly name: string
  readonly state: BulkheadSettings
  /** Undefined: no limit. */
  readonly maxWaitMs: number | undefined
  /** Undefined: one set of permits for all calls. */
  readonly maxKeys: number | undefined
  /** Undefined: the permits are those of this process. */
  readonly sharing: SharingSettings | undefined
}

const PATH = 'bulkhead'
const SHARING = ['shared', 'exact', 'onLoss'] as const

/** Reads and validates all options of a bulkhead. */
export function readBulkhead(options: BulkheadOptions): ReadOptions {
  knownKeys(options, PATH, ['limit', 'queue', 'maxWait', 'order', 'perKey', ...SHARING, 'name'])
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    state: {
      limit: wholeNumber(options.limit, `${PATH}.limit`, 1),
      queueLimit: wholeNumber(options.queue ?? 0, `${PATH}.queue`, 0),
      order: oneOf(options.order ?? 'fifo', `${PATH}.order`, ['fifo', 'lifo', 'priority']),
    },
    maxWaitMs: options.maxWait === undefined ? undefined : toMs(options.maxWait, `${PATH}.maxWait`),
    maxKeys: readMaxKeys(options.perKey, `${PATH}.perKey`),
    sharing: readSharing(options),
  }
}

function readSharing({ shared, exact, onLoss, perKey }: BulkheadOptions): SharingSettings | undefined {
  if (shared === undefined) {
    const needless = exact !== undefined ? 'exact' : onLoss !== undefined ? 'onLoss' : undefined
    if (needless === undefined) return undefined
    throw new ConfigurationError(
      `${PATH}.${needless}`,
      'this option needs `shared`: the permits of this process need no store',
    )
  }
  if (perKey !== undefined) {
    throw new ConfigurationError(`${PATH}.shared`, 'the permits of a bulkhead with `perKey` cannot be shared')
  }
  return {
    state: checkedSharedState(shared, `${PATH}.shared`),
    exact: trueOrFalse(exact ?? false, `${PATH}.exact`),
    onLoss: oneOf(onLoss ?? 'share', `${PATH}.onLoss`, ['share', 'open', 'closed']),
  }
}
