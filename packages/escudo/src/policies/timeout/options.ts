import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, oneOf } from '../../core/options/options.ts'

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** The name in events, errors and the status. Default: `timeout`. */
  readonly name?: string
  /**
   * `'aggressive'`, the default: the call rejects on time. `'cooperative'`: the signal aborts on time, and the call then
   * waits up to `grace` for the value of the operation.
   */
  readonly mode?: 'aggressive' | 'cooperative'
  /** How long a cooperative timeout waits for the operation after the signal has aborted. Default `'1s'`. */
  readonly grace?: Duration
}

/** The settings of a timeout that checks and errors use. */
export type TimeoutSettings = {
  readonly afterMs: number
  /** Undefined if the timeout is not cooperative. */
  readonly graceMs?: number
}

const PATH = 'timeout'

/** Reads the duration and the options of a timeout. */
export function readTimeout(
  after: Duration,
  options: TimeoutOptions,
): { readonly name: string; readonly settings: TimeoutSettings } {
  knownKeys(options, PATH, ['name', 'mode', 'grace'])
  const name = checkedName(options.name ?? PATH, `${PATH}.name`)
  const afterMs = toMs(after, `${PATH}.after`, Number.MIN_VALUE)
  const mode = oneOf(options.mode ?? 'aggressive', `${PATH}.mode`, ['aggressive', 'cooperative'])
  const graceMs = toMs(options.grace ?? '1s', `${PATH}.grace`)
  if (mode === 'cooperative') return { name, settings: { afterMs, graceMs } }
  if (options.grace === undefined) return { name, settings: { afterMs } }
  throw new ConfigurationError(`${PATH}.grace`, "only a timeout with mode: 'cooperative' has a grace")
}
