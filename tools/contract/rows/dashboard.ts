import { including, number, something } from '../matching/pattern.ts'
import { LOGS_UNKNOWN } from '../shop/log-reader.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get, rawBytes } from '../wire/request.ts'

// 4.9: the routes that generate traffic, and the dashboard's JSON API and page.

const SEEN_WITHIN_MS = 2_000
const summary = get('/api/summary', { to: 'dashboard' })

interface Counted {
  readonly requests: number
  readonly clientErrors: number
  readonly serverErrors: number
  readonly ofStatus: (status: number) => number
}

async function count(walk: Walk): Promise<Counted> {
  const { json } = await walk.send(summary)
  const { requests, client_errors, server_errors, by_status } = (json ?? {}) as {
    readonly [key: string]: number | undefined
  } & { readonly by_status?: Readonly<Record<string, number>> }
  return {
    requests: requests ?? Number.NaN,
    clientErrors: client_errors ?? Number.NaN,
    serverErrors: server_errors ?? Number.NaN,
    ofStatus: (status) => by_status?.[String(status)] ?? 0,
  }
}

/** Waits until the dashboard's count is stable. No other row runs now, so all requests are counted then. */
async function settled(walk: Walk): Promise<void> {
  let last = -1
  await walk.until('the dashboard has read everything', 5_000, async () => {
    const { requests } = await count(walk)
    const same = requests === last
    last = requests
    await new Promise((resolve) => setTimeout(resolve, 700))
    return same ? true : undefined
  })
}

const page = (host: string): Row =>
  scenario('4.9b', `dashboard: serves its page under ${host}`, async (walk) => {
    const asked = get('/', { to: 'dashboard', headers: { host: `${host}:${walk.target.ports.dashboard}` } })
    await walk.ask(asked, {
      status: 200,
      headers: { 'content-type': /^text\/html/ },
      body: /<html/i,
      shown: '200 HTML',
    })
  })

export const dashboard: readonly Row[] = [
  exchange('4.9a', 'traffic: GET / returns 200', get('/'), { status: 200 }),
  exchange('4.9a', 'traffic: GET /lento takes 1.5 s', get('/lento'), {
    status: 200,
    atLeastMs: 1_490,
    withinMs: 2_500,
    shown: '200 after 1.5 s',
  }),
  exchange('4.9a', 'traffic: GET /error-cliente returns 404', get('/error-cliente'), refused(404, /^[A-Z]/)),
  exchange(
    '4.9a',
    'traffic: GET /error-servidor returns 500',
    get('/error-servidor'),
    refused(500, 'INTERNAL_SERVER_ERROR', undefined, {}),
  ),
  page('localhost'),
  page('127.0.0.1'),
  scenario('4.9b', 'dashboard: rejects the Host of another site', async (walk) => {
    const raw = `GET /api/summary HTTP/1.1\r\nHost: evil.example:${walk.target.ports.dashboard}\r\nConnection: close\r\n\r\n`
    const asked = { ...rawBytes('GET /api/summary with Host: evil.example', raw), to: 'dashboard' as const }
    await walk.ask(asked, { status: number(400, 499), shown: '4xx' })
  }),
  exchange(
    '4.9b',
    'dashboard: the summary has all figures of the page',
    summary,
    ok(
      including({
        ...{ requests: number(1), client_errors: number(0), server_errors: number(0), by_status: including({}) },
        ...{ latency_ms: including({ mean: number(0), p50: number(0), p95: number(0), p99: number(0) }) },
        ...{ by_error_code: including({}), by_kind: including({ business: number(0), technical: number(0) }) },
        ...{ by_service: including({ 'potion-shop': something }), breakers: something },
        lines: including({ read: number(1), malformed: 0, late: number(0) }),
      }),
      { headers: { 'content-type': /^application\/json/ } },
    ),
    { alone: true },
  ),
  scenario(
    '4.9b',
    'dashboard: counts requests within 2 s, in total and by status',
    async (walk) => {
      await settled(walk)
      const before = await count(walk)
      const paths = ['/', '/', '/', '/error-cliente', '/error-cliente', '/error-servidor']
      for (const path of paths) await walk.send(get(path))
      let after = before
      await walk.until('all requests are counted', SEEN_WITHIN_MS, async () => {
        after = await count(walk)
        return after.requests >= before.requests + paths.length ? true : undefined
      })
      walk.compare('requests', before.requests + 6, after.requests)
      walk.compare('client errors', before.clientErrors + 2, after.clientErrors)
      walk.compare('server errors', before.serverErrors + 1, after.serverErrors)
      walk.compare('requests with status 200', before.ofStatus(200) + 3, after.ofStatus(200))
      walk.show(
        '6 requests',
        'all counted within 2 s, with the right status',
        `${after.requests - before.requests} more`,
      )
    },
    { alone: true },
  ),
  scenario(
    '4.9b',
    'dashboard: its total equals the number of http.request lines in all logs',
    async (walk) => {
      await settled(walk)
      const logs = Object.values(walk.target.logs)
      if (logs.length === 0) walk.pending(LOGS_UNKNOWN)
      let lines = 0
      for (const log of logs) {
        await log.refresh()
        lines += log.lines.filter((line) => line['event'] === 'http.request').length
      }
      const { requests } = await count(walk)
      walk.compare('requests in the summary', lines, requests)
      walk.show('GET /api/summary', `${lines} requests`, `${requests} requests`)
    },
    { alone: true },
  ),
  scenario(
    '4.9b',
    'dashboard: returns the lines of a trace across services',
    async (walk) => {
      const answer: Answer = await walk.ask(get('/product-details/mana-potion'), { status: 200 })
      const traceId = answer.headers['x-trace-id'] ?? ''
      const asked = get(`/api/traces/${traceId}`, { to: 'dashboard' })
      let found = await walk.send(asked)
      const servicesIn = (): number => {
        const { lines } = (found.json ?? {}) as { lines?: readonly { service?: unknown; event?: unknown }[] }
        return new Set(lines?.filter((line) => line.event === 'http.request').map((line) => line.service)).size
      }
      await walk.until('the trace has the lines of three services', SEEN_WITHIN_MS, async () => {
        found = await walk.send(asked)
        return servicesIn() >= 3 ? true : undefined
      })
      walk.judge(asked, found, ok(including({ trace_id: traceId }), { shown: 'lines of 3 services' }))
    },
    { alone: true },
  ),
]
