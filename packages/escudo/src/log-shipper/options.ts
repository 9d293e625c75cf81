import { ConfigurationError } from '../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../core/options/durations.ts'
import { checkedName, isHeaderName, knownKeys, nonEmptyText, oneOf, wholeNumber } from '../core/options/options.ts'
import type { ResponseShield } from '../http/options.ts'
import { jsonLineBody, type LogBody, lokiBody } from './bodies.ts'

/** How lines are sent: as JSON lines, or by the push API of Loki. */
export type LogFormat = 'jsonline' | 'loki'

/** Options of {@link LogShipper}. */
export interface LogShipperOptions {
  /**
   * Where lines are sent: `…/insert/jsonline` or `…/insert/loki/api/v1/push` of VictoriaLogs, `…/loki/api/v1/push` of
   * Loki. Query parameters for the fields are added, unless the URL has them.
   */
  readonly url: string | URL
  /** Default: `loki` if the path ends in `/loki/api/v1/push`, otherwise `jsonline`. */
  readonly format?: LogFormat
  /**
   * The fields by which the engine groups lines: labels of Loki, stream fields of VictoriaLogs. Choose fields with few
   * values. Default `['service', 'env']`.
   */
  readonly labels?: readonly string[]
  /** Headers of each request, such as `Authorization` or `X-Scope-OrgID`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long a line waits at most for others, at most 60 s. Default 500 ms. */
  readonly flushInterval?: Duration
  /** The size of a batch that is sent at once, in characters, before the interval is over. Default 1 MiB (1 048 576). */
  readonly batchLengthMax?: number
  /**
   * How much waits in memory while the engine is not reachable, in characters. Further lines are dropped and counted.
   * Default 16 MiB (16 777 216), some 50 000 lines.
   */
  readonly waitingLengthMax?: number
  /** The name of the client and its shield in events, log lines and metrics. Default `log-engine`. */
  readonly name?: string
  /**
   * The shield that runs each request. Default: `retry()` around a timeout of 10 s. A batch that fails is sent again
   * after two seconds, whatever the shield does.
   */
  readonly shield?: ResponseShield
}

/** The options of a shipper, checked and complete. */
export interface ShipperSettings {
  readonly url: string
  readonly body: LogBody
  readonly headers: Readonly<Record<string, string>>
  readonly flushIntervalMs: number
  readonly batchLengthMax: number
  readonly waitingLengthMax: number
  readonly name: string
  readonly shield: ResponseShield | undefined
}

const PATH = 'LogShipper'
const KNOWN: readonly (keyof LogShipperOptions)[] = [
  'url',
  'format',
  'labels',
  'headers',
  'flushInterval',
  'batchLengthMax',
  'waitingLengthMax',
  'name',
  'shield',
]
const FLUSH_INTERVAL_MS_MAX = 60_000
const LENGTH_MAX = 1_073_741_824

/** @throws ConfigurationError for an invalid option */
export function readShipper(options: LogShipperOptions): ShipperSettings {
  knownKeys(options, PATH, KNOWN)
  const url = readUrl(options.url)
  const isLoki = url.pathname.endsWith('/loki/api/v1/push')
  const format = oneOf(options.format ?? (isLoki ? 'loki' : 'jsonline'), `${PATH}.format`, ['jsonline', 'loki'])
  const labels = readLabels(options.labels ?? ['service', 'env'])
  addDefault(url, '_msg_field', 'event')
  if (format === 'jsonline') {
    addDefault(url, '_time_field', 'timestamp')
    addDefault(url, '_stream_fields', labels.join(','))
  }
  const batchLengthMax = wholeNumber(options.batchLengthMax ?? 1_048_576, `${PATH}.batchLengthMax`, 1, LENGTH_MAX)
  return {
    url: url.href,
    body: format === 'loki' ? lokiBody(labels) : jsonLineBody,
    headers: readHeaders(options.headers ?? {}),
    flushIntervalMs: readInterval(options.flushInterval ?? 500),
    batchLengthMax,
    waitingLengthMax: wholeNumber(
      options.waitingLengthMax ?? 16_777_216,
      `${PATH}.waitingLengthMax`,
      batchLengthMax,
      LENGTH_MAX,
    ),
    name: checkedName(options.name ?? 'log-engine', `${PATH}.name`),
    shield: options.shield,
  }
}

function readUrl(value: string | URL): URL {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  // `fetch` refuses a URL with a user.
  if (url !== undefined && isHttp && url.username === '' && url.password === '') return url
  // The value may contain a password, so the message does not repeat it.
  throw new ConfigurationError(
    `${PATH}.url`,
    'expected an absolute URL with http: or https:, and without a user (use the header Authorization)',
  )
}

function addDefault({ searchParams }: URL, name: string, value: string): void {
  if (!searchParams.has(name)) searchParams.set(name, value)
}

function readLabels(labels: readonly string[]): readonly string[] {
  if (!Array.isArray(labels) || labels.length === 0) {
    throw new ConfigurationError(`${PATH}.labels`, `expected a list of fields, got ${show(labels)}`)
  }
  return labels.map((label, index) => {
    // Loki accepts no other names for labels.
    if (/^[A-Za-z_]\w*$/.test(nonEmptyText(label, `${PATH}.labels[${index}]`))) return label
    throw new ConfigurationError(`${PATH}.labels[${index}]`, `expected letters, digits and _, got ${show(label)}`)
  })
}

function readHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeaderName(name)) throw new ConfigurationError(`${PATH}.headers`, `${show(name)} is no name of a header`)
    // The value may be a secret.
    if (typeof value !== 'string') throw new ConfigurationError(`${PATH}.headers.${name}`, 'expected text')
  }
  return { ...headers }
}

function readInterval(interval: Duration): number {
  const intervalMs = toMs(interval, `${PATH}.flushInterval`)
  if (intervalMs <= FLUSH_INTERVAL_MS_MAX) return intervalMs
  throw new ConfigurationError(`${PATH}.flushInterval`, `expected at most 60 s, got ${show(interval)}`)
}
