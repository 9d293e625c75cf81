/** The random choices of one generated log. The same seed gives the same log. */
export interface Random {
  /** From 0 to before 1. */
  readonly next: () => number
  readonly integer: (max: number) => number
}

/** What one writer adds to a log. */
export interface Written {
  /** One or more lines, each with its newline. */
  readonly text: string | Buffer
  /** The number of lines that are not blank; default 1. */
  readonly read?: number
  /** The number of lines in a known format; default as many as are read. */
  readonly recognised?: number
  readonly malformed?: number
  /** The status and latency of each request in it. */
  readonly requests?: readonly { readonly status: number; readonly ms?: number }[]
}

export type Writer = (random: Random, at: number, number: number) => Written

const STATUSES = [200, 200, 200, 200, 201, 204, 301, 404, 409, 429, 500, 502, 503]

export const statusOf = (random: Random): number => STATUSES[random.integer(STATUSES.length)] ?? 200
/** From 1 to 250 ms, with a fraction. */
export const msOf = (random: Random): number => 1 + random.integer(249) + (1 + random.integer(998)) / 1_000
export const iso = (at: number): string => new Date(at).toISOString()
export const json = (fields: object): string => `${JSON.stringify(fields)}\n`

/** The time of Python's logging: local, without a zone. */
export function local(at: number): string {
  return iso(at - new Date(at).getTimezoneOffset() * 60_000)
    .slice(0, 23)
    .replace('T', ' ')
    .replace('.', ',')
}

/** A request in escudo's own format. */
export const escudo = (status: number, ms: number, at: number, number: number): object => ({
  log_level: 'info',
  timestamp: iso(at),
  service: `s${number % 7}`,
  trace_id: number.toString(16).padStart(32, '0'),
  span_id: 'a1',
  method: 'GET',
  path: `/items/${number % 99}`,
  status_code: status,
  latency_ms: ms,
  event: 'http.request',
})
