import { systemClock } from '../core/clock.ts'
import { acceptDeadlines } from '../core/context/inherited-deadline.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../core/options/durations.ts'
import { isHeaderName, knownKeys } from '../core/options/options.ts'
import { joinHeader } from './headers.ts'

/** Which deadline of a caller a server accepts. */
export interface InboundDeadlineOptions {
  /** The request header with the milliseconds left. Default: `x-request-timeout-ms`, which `resilientFetch` sends. */
  readonly header?: string
  /** The longest accepted time, more than 0; a longer one is shortened. Default `'60s'`. */
  readonly max?: Duration
}

/** The option `inboundDeadline`, read. */
export interface InboundDeadline {
  readonly header: string
  readonly maxMs: number
}

/**
 * Reads the option `inboundDeadline` of an adapter.
 *
 * @throws ConfigurationError for an invalid value
 */
export function readInboundDeadline(
  option: boolean | InboundDeadlineOptions | undefined,
  path: string,
): InboundDeadline | undefined {
  if (option === undefined || option === false) return undefined
  const given = option === true ? {} : option
  knownKeys(given, path, ['header', 'max'])
  const { header = 'x-request-timeout-ms', max = '60s' } = given
  if (!isHeaderName(header)) {
    throw new ConfigurationError(`${path}.header`, `expected the name of a header, got ${show(header)}`)
  }
  return { header: header.toLowerCase(), maxMs: toMs(max, `${path}.max`, Number.MIN_VALUE) }
}

/** The deadline in the headers of a request, on the system clock. Undefined without a valid one. */
export function inboundDeadlineMs(
  { header, maxMs }: InboundDeadline,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): number | undefined {
  const text = joinHeader(headers[header])
  // Two values, a sign, a fraction or a unit are not what a client of this protocol sends.
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined
  acceptDeadlines()
  return systemClock.now() + Math.min(Number(text), maxMs)
}
