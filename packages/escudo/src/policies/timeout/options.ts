import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys } from '../../core/options/options.ts'

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** The name in events, errors and the status. Default: `timeout`. */
  readonly name?: string
}

/** The settings of a timeout that checks and errors use. */
export type TimeoutSettings = { readonly afterMs: number }

const PATH = 'timeout'

/** Reads the duration and the options of a timeout. */
export function readTimeout(
  after: Duration,
  options: TimeoutOptions,
): { readonly name: string; readonly settings: TimeoutSettings } {
  knownKeys(options, PATH, ['name'])
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    settings: { afterMs: toMs(after, `${PATH}.after`, Number.MIN_VALUE) },
  }
}
