import { setTimeout as delay } from 'node:timers/promises'
import { differences } from '../matching/differences.ts'
import { including, number, oneOf, text } from '../matching/pattern.ts'
import { show } from '../matching/show.ts'
import { LOGS_UNKNOWN, type LogReader } from '../shop/log-reader.ts'
import { TRACE_ID } from '../walk/expectation.ts'
import { grouped } from '../walk/grouped.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import { get, SERVICE_NAMES, type Service } from '../wire/request.ts'

// The log lines: their form, their delay, and exactly one line for each request and each error.

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const LINE_WITHIN_MS = 500
const EXAMPLES_MAX = 5

const anyLine = (service: Service) =>
  including({
    timestamp: TIMESTAMP,
    log_level: oneOf('debug', 'info', 'warning', 'error', 'critical'),
    event: text,
    service: SERVICE_NAMES[service],
  })

const REQUEST_LINE = including({
  // Method and path may be empty: bytes that are not HTTP have a request line too.
  ...{ trace_id: TRACE_ID, span_id: /^(?!0{16})[0-9a-f]{16}$/, method: /^/, path: /^/ },
  ...{ status_code: number(100, 599), latency_ms: number(0) },
})

/** Returns the logs of all services, completely read. */
async function allLogs(walk: Walk): Promise<readonly (readonly [Service, LogReader])[]> {
  const logs = Object.entries(walk.target.logs) as [Service, LogReader][]
  if (logs.length === 0) walk.pending(LOGS_UNKNOWN)
  await delay(LINE_WITHIN_MS)
  for (const [, log] of logs) await log.refresh()
  return logs
}

export const logs: readonly Row[] = [
  scenario('logs', 'a request line has all its fields', async (walk) => {
    const answer = await walk.ask(get('/items/item1?secret=1'), { status: 200 })
    await walk.logged('shop', answer, {
      ...{ event: 'http.request', log_level: 'info', service: 'potion-shop', method: 'GET', route: '/items/:id' },
      ...{ path: '/items/item1', status_code: 200, latency_ms: number(0, 1_000), timestamp: TIMESTAMP },
    })
  }),
  scenario('logs', 'a complete line is in its file within 500 ms', async (walk) => {
    const log = walk.target.logs.shop
    if (log === undefined) return walk.pending(LOGS_UNKNOWN)
    let slowestMs = 0
    for (let i = 0; i < 5; i += 1) {
      const answer = await walk.send(get('/items/item1'))
      const answered = performance.now()
      await walk.until('the line is in its file', 3_000, async () => {
        await log.refresh()
        return log.ofTrace(answer.headers['x-trace-id'] ?? '').length > 0 ? true : undefined
      })
      slowestMs = Math.max(slowestMs, performance.now() - answered)
      await delay(50)
    }
    const ms = Math.round(slowestMs)
    walk.show('GET /items/item1, 5 times', `in the file within ${LINE_WITHIN_MS} ms`, `${ms} ms at most`)
    walk.compare('ms until the line was in its file', number(0, LINE_WITHIN_MS), ms)
  }),
  scenario('logs', 'a request that its client aborts has one http.request line with status 499', async (walk) => {
    const traceId = 'c0ffee'.padEnd(32, String(Date.now()))
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    await walk.ask(get('/lento', { headers, abortAfterMs: 200 }), { failure: 'ABORTED', shown: 'one line, 499' })
    await delay(1_500)
    const log = walk.target.logs.shop
    if (log === undefined) return walk.pending(LOGS_UNKNOWN)
    await log.refresh()
    const lines = log.ofTrace(traceId).filter((line) => line['event'] === 'http.request')
    walk.compare('http.request lines of the request', 1, lines.length)
    if (lines.length === 1) walk.compare('status_code', 499, lines[0]?.['status_code'])
  }),
  scenario(
    'logs',
    'every line of every service is a JSON object in the required form',
    async (walk) => {
      let read = 0
      for (const [service, log] of await allLogs(walk)) {
        read += log.lines.length
        walk.compare(`lines of ${service} that are no JSON object`, [], log.malformed.slice(0, EXAMPLES_MAX))
        walk.compare(`incomplete line at the end of the log of ${service}`, '', log.partial)
        walk.compare(`lines in the log of ${service}`, number(1), log.lines.length)
        const wrong = log.lines.flatMap((line) => {
          const isRequest = line['event'] === 'http.request'
          const found = [
            ...differences(anyLine(service), line, String(line['event'])),
            ...(isRequest ? differences(REQUEST_LINE, line, 'http.request') : []),
          ]
          return found
        })
        walk.compare(`wrong fields in ${service} (${wrong.length})`, [], wrong.slice(0, EXAMPLES_MAX))
      }
      walk.show(`all logs, ${read} lines`, 'all well formed', 'all well formed')
    },
    { alone: true },
  ),
  scenario(
    'logs',
    'each request has one http.request line, and each error one http_error line',
    async (walk) => {
      const logsBy = new Map(await allLogs(walk))
      const wrong: string[] = []
      const asked = grouped(walk.ledger.entries, (entry) => `${entry.service} ${entry.traceId}`)
      for (const entries of asked.values()) {
        const [first] = entries
        const lines = first === undefined ? undefined : logsBy.get(first.service)?.ofTrace(first.traceId)
        if (first === undefined || lines === undefined) continue
        const requests = lines.filter((line) => line['event'] === 'http.request').length
        if (requests !== entries.length)
          wrong.push(`${first.request}: ${requests} http.request lines, trace ${first.traceId}`)
        // Only the shop: in a dependency, an error may be an injected fault without an http_error line.
        const errors = first.service === 'shop' ? entries.filter(({ status }) => status >= 400).length : undefined
        const errorLines = lines.filter((line) => line['event'] === 'http_error').length
        if (errors !== undefined && errorLines !== errors)
          wrong.push(`${first.request}: ${errorLines} http_error lines, trace ${first.traceId}`)
      }
      const count = wrong.length
      walk.show(`${asked.size} traces`, 'one http.request line each', count === 0 ? 'one each' : show(wrong))
      walk.compare(`traces with too many or too few lines (${count})`, [], wrong.slice(0, EXAMPLES_MAX))
    },
    { alone: true },
  ),
]
