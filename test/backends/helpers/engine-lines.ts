import { appendFile } from 'node:fs/promises'

const BATCH = 5_000
const ITEMS = 50

interface Line extends Readonly<Record<string, unknown>> {
  readonly timestamp: string
  readonly service: string
}

const hex = (number: number, length: number): string => number.toString(16).padStart(length, '0')

/** The trace of the request with a number. */
export function traceOf(number: number): string {
  return hex(number * 7_919 + 1, 32)
}

/** The lines about one request to the shop, which asks its inventory. They are deterministic. */
function linesOf(number: number, at: number): readonly Line[] {
  const trace = { trace_id: traceOf(number) }
  const [shopSpan, span] = [hex(number * 2 + 1, 16), hex(number * 2 + 2, 16)]
  const time = (ms: number): string => new Date(at + ms).toISOString()
  const request = { log_level: 'info', event: 'http.request', method: 'GET' }
  const latency = ((number * 7_919) % 20_000) / 100
  if (number % 40 === 7)
    return [
      { ...request, timestamp: time(0), service: 'shop', path: '/healthz', status_code: 200, latency_ms: 1, pid: 71 },
    ]
  if (number % 40 === 9)
    // A route that does not exist has only a path.
    return [
      {
        ...request,
        timestamp: time(0),
        ...trace,
        span_id: shopSpan,
        service: 'shop',
        path: `/nothing/${number}?x=1`,
        status_code: 404,
        latency_ms: latency,
        error_code: 'ROUTE_NOT_FOUND',
        error_kind: 'business',
        pid: 71,
      },
    ]
  const fails = number % 10 === 3
  const failure = { error_code: 'UPSTREAM_ERROR', error_kind: 'technical' }
  const names = { route: '/items/:id', path: `/items/item${number % ITEMS}` }
  const inner: Line[] = [
    {
      ...request,
      timestamp: time(1),
      ...trace,
      span_id: span,
      parent_span_id: shopSpan,
      service: 'inventory',
      route: '/stock/:id',
      path: `/stock/item${number % ITEMS}`,
      status_code: fails ? 503 : 200,
      latency_ms: latency / 2,
      ...(fails ? { error_code: 'OUT_OF_ORDER', error_kind: 'technical' } : {}),
      pid: 72,
    },
  ]
  if (fails)
    inner.push({
      log_level: 'error',
      timestamp: time(2),
      ...trace,
      span_id: shopSpan,
      service: 'shop',
      event: 'http_error',
      status_code: 502,
      detail: `no answer after ${number % 3} ms`,
      ...failure,
      pid: 71,
    })
  const refused = { log_level: 'warning', ...trace, service: 'shop', shield: 'inventory', pid: 71 }
  if (number % 30 === 5)
    inner.push({
      ...refused,
      timestamp: time(2),
      event: 'circuit_breaker.rejected',
      policy: 'circuitBreaker',
      retry_after_ms: 900,
    })
  if (number % 200 === 6) {
    const counts = { 'circuit_breaker.rejected': 4, fallback: 2 }
    inner.push({ ...refused, timestamp: time(2), event: 'policy.summary', counts })
  }
  if (number % 30 === 4)
    inner.push({
      log_level: 'warning',
      timestamp: time(2),
      ...trace,
      service: 'shop',
      event: 'retry.attempt',
      shield: 'inventory',
    })
  return [
    ...inner,
    {
      ...request,
      timestamp: time(3),
      ...trace,
      span_id: shopSpan,
      service: 'shop',
      ...names,
      status_code: fails ? 502 : 200,
      ...(number % 50 === 1 ? {} : { latency_ms: latency }),
      ...(number % 25 === 2 ? { degraded: true } : {}),
      ...(fails ? failure : {}),
      pid: 71,
    },
  ]
}

/** The breaker of the shop opens, and closes again. */
export function breakerLines(at: number): readonly Line[] {
  const change = {
    log_level: 'warning',
    event: 'circuit_breaker.state_change',
    service: 'shop',
    shield: 'inventory',
    policy: 'circuitBreaker',
    pid: 71,
  }
  return [
    { ...change, timestamp: new Date(at).toISOString(), from: 'closed', to: 'open', failures: 5, calls: 10 },
    { ...change, timestamp: new Date(at + 5_000).toISOString(), from: 'open', to: 'half-open' },
    { ...change, timestamp: new Date(at + 5_100).toISOString(), from: 'half-open', to: 'closed' },
  ]
}

/** Writes requests at equal distances in a span of time as lines, in batches. */
export function* engineLines(requests: number, from: number, to: number): Generator<string> {
  let batch: string[] = breakerLines(from + 10_000).map((line) => JSON.stringify(line))
  for (let number = 0; number < requests; number += 1) {
    const at = Math.floor(from + ((to - from - 10) * number) / requests)
    for (const line of linesOf(number, at)) batch.push(JSON.stringify(line))
    if (batch.length < BATCH) continue
    yield `${batch.join('\n')}\n`
    batch = []
  }
  if (batch.length > 0) yield `${batch.join('\n')}\n`
}

/** Sends lines to VictoriaLogs as the log shipper does. */
export async function insertLines(
  url: string,
  lines: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const query = '_time_field=timestamp&_msg_field=event&_stream_fields=service'
  const response = await fetch(`${url}/insert/jsonline?${query}`, { method: 'POST', body: lines, headers })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
}

/** Writes the same lines to an engine and to a file. */
export async function insertAndWrite(
  url: string,
  file: string,
  batches: Iterable<string>,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  let count = 0
  for (const lines of batches) {
    await Promise.all([insertLines(url, lines, headers), appendFile(file, lines)])
    count += lines.split('\n').length - 1
  }
  await fetch(`${url}/internal/force_flush`)
  return count
}
