import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, oneOf, readMaxKeys, wholeNumber } from '../../core/options/options.ts'
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
  /** Default: `bulkhead`. */
  readonly name?: string
}

/** The options of a bulkhead, read and validated. */
interface ReadOptions {
  readonly name: string
  readonly state: BulkheadSettings
  /** Undefined: no limit. */
  readonly maxWaitMs: number | undefined
  /** Undefined: one set of permits for all calls. */
  readonly maxKeys: number | undefined
}

const PATH = 'bulkhead'

/** Reads and validates all options of a bulkhead. */
export function readBulkhead(options: BulkheadOptions): ReadOptions {
  knownKeys(options, PATH, ['limit', 'queue', 'maxWait', 'order', 'perKey', 'name'])
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    state: {
      limit: wholeNumber(options.limit, `${PATH}.limit`, 1),
      queueLimit: wholeNumber(options.queue ?? 0, `${PATH}.queue`, 0),
      order: oneOf(options.order ?? 'fifo', `${PATH}.order`, ['fifo', 'lifo', 'priority']),
    },
    maxWaitMs: options.maxWait === undefined ? undefined : toMs(options.maxWait, `${PATH}.maxWait`),
    maxKeys: readMaxKeys(options.perKey, `${PATH}.perKey`),
  }
}
