// The verdict on a real VictoriaLogs is that on a file with the same lines. Each situation is a tenant of one engine.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import type { Health } from '../../packages/dashboard/src/report/health.ts'
import { ENTRIES } from '../../packages/dashboard/src/report/selection.ts'
import { FileSource } from '../../packages/dashboard/src/source/file-source.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../../packages/dashboard/src/verdict/thresholds.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { goProgram } from './helpers/go-build.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const now = Math.floor(Date.now() / 1_000) * 1_000

let program: string | undefined
let url = ''
let folder = ''
beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  if (program === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'escudo-verdict-'))
  url = (await startBackend(victoriaLogs, program)).url
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  await removeBackends()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

type Line = Readonly<Record<string, unknown>>

/** A line so many seconds ago. */
function line(secondsAgo: number, fields: Line): Line {
  const timestamp = new Date(now - secondsAgo * 1_000).toISOString()
  return { log_level: 'info', event: 'http.request', service: 'shop', timestamp, ...fields }
}

/** One request per second between two moments. */
function requests(from: number, to: number, fieldsOf: (second: number) => Line = () => ({})): readonly Line[] {
  const base = { method: 'GET', route: '/items/:id', status_code: 200, latency_ms: 20, pid: 1 }
  return Array.from({ length: from - to }, (_, index) => line(from - index, { ...base, ...fieldsOf(from - index) }))
}

/** Requests of the shop to its inventory, which fails from a moment on. */
function relayed(from: number, to: number, failsFrom: number): readonly Line[] {
  return requests(from, to).flatMap((own, index) => {
    const second = from - index
    const status = second <= failsFrom ? 503 : 200
    const trace = { trace_id: `t${index}`, error_code: status === 503 ? 'DOWN' : undefined }
    const inner = {
      ...own,
      ...trace,
      service: 'inventory',
      span_id: `i${index}`,
      parent_span_id: `s${index}`,
      status_code: status,
      pid: 2,
    }
    return [inner, { ...own, ...trace, span_id: `s${index}`, status_code: status === 503 ? 502 : 200 }]
  })
}

const change = {
  event: 'circuit_breaker.state_change',
  log_level: 'warning',
  shield: 'inventory',
  policy: 'circuitBreaker',
  pid: 1,
}
const slo: Thresholds = { ...DEFAULT_THRESHOLDS, objective: { share: 0.99, latencyMs: 300 } }

const SITUATIONS: readonly (readonly [name: string, lines: readonly Line[], thresholds?: Thresholds])[] = [
  ['nothing', []],
  ['no request', [line(5, { event: 'hello' })]],
  ['only health checks', requests(60, 0, () => ({ route: '/healthz' }))],
  [
    'healthy, with health checks',
    [...requests(600, 0), ...requests(300, 0, () => ({ route: undefined, path: '/readyz?full=1' }))],
  ],
  ['a called service fails', relayed(600, 0, 40)],
  ['both have failed for ten minutes', relayed(1_200, 0, 600)],
  ['many 4xx', requests(1_800, 0, (second) => ({ status_code: second < 50 && second % 2 === 0 ? 404 : 200 }))],
  ['slow', requests(1_800, 0, (second) => ({ latency_ms: second < 45 ? 2_000 : 100 }))],
  ['answered by fallbacks', requests(600, 0, (second) => (second < 30 ? { degraded: true } : {}))],
  [
    'fallbacks in their own lines',
    [
      ...requests(600, 0),
      ...[9, 8, 7].map((second) => line(second, { event: 'fallback', shield: 'inventory', error_type: 'E' })),
    ],
  ],
  [
    'a breaker is open',
    [
      ...requests(600, 0),
      line(400, { ...change, from: 'closed', to: 'open' }),
      line(390, { ...change, from: 'open', to: 'half-open' }),
      line(389, { ...change, from: 'half-open', to: 'open' }),
    ],
  ],
  [
    'the process of the open breaker ended',
    [
      ...requests(600, 300),
      line(400, { ...change, from: 'closed', to: 'open' }),
      ...requests(290, 0, () => ({ pid: 9 })),
    ],
  ],
  ['a critical line', [...requests(600, 0), line(20, { event: 'disk', log_level: 'critical' })]],
  [
    'restarted',
    [...requests(600, 40), line(39, { event: 'service.start', pid: 7 }), ...requests(38, 0, () => ({ pid: 7 }))],
  ],
  ['silent', [...requests(900, 70), ...requests(600, 0, () => ({ service: 'other', route: '/x' }))]],
  [
    'statuses that are none',
    requests(600, 0, (second) => ({ status_code: [200, 700, '1h', 999, 99, 'OK', 404][second % 7] })),
  ],
  ['few requests', [...requests(400, 395), ...requests(600, 0, () => ({ service: 'other' }))]],
  ['old', requests(8_000, 7_000, (second) => ({ status_code: second < 7_050 ? 500 : 200 }))],
  ['old, beside a live one', [...requests(8_000, 7_000), ...requests(300, 0, () => ({ service: 'other' }))]],
  ['an objective is missed', requests(600, 0, (second) => ({ latency_ms: second % 20 === 0 ? 400 : 10 })), slo],
]

/** What must be the same. Minutes of the past begin at full minutes. */
function compared({ state, cause, effect, since, as_of, services, waiting }: Health): object {
  return {
    state,
    cause,
    effect,
    hasBegun: since !== null,
    as_of,
    waiting: waiting?.reason,
    services: services.map(
      ({ name, state: own, reasons, requests: count, failures, p95_ms, open_breakers, as_of: at, burn_rate }) => ({
        name,
        state: own,
        reasons,
        count,
        failures,
        p95_ms,
        open_breakers,
        at,
        burn_rate,
      }),
    ),
  }
}

test.for(SITUATIONS)('%s', async ([name, lines, thresholds = DEFAULT_THRESHOLDS], { skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const headers = { AccountID: String(SITUATIONS.findIndex(([one]) => one === name) + 1) }
  const text = lines
    .toSorted((a, b) => String(a['timestamp']).localeCompare(String(b['timestamp'])))
    .map((one) => `${JSON.stringify(one)}\n`)
    .join('')
  const path = join(folder, `${headers.AccountID}.jsonl`)
  await writeFile(path, text)
  const query = '_time_field=timestamp&_msg_field=event&_stream_fields=service'
  if (text !== '') await fetch(`${url}/insert/jsonline?${query}`, { method: 'POST', body: text, headers })
  await fetch(`${url}/internal/force_flush`)

  const files = new LogFiles([path], undefined, () => now)
  const file = new FileSource(files)
  const engine = new VictoriaLogs({ url, headers }, undefined, () => now)
  for (const source of [file, engine]) source.judgeBy(thresholds)
  await files.readAll()
  await engine.connect()
  const [expected, judged] = [await file.health(), await engine.health()]
  expect(compared(judged)).toEqual(compared(expected))
  // The trouble began in the same minute, if it began in the last hour.
  const [own, known] = [Date.parse(judged.since ?? ''), Date.parse(expected.since ?? '')]
  if (!Number.isNaN(known)) expect(Math.abs(own - known)).toBeLessThan(60_000)
  // A page without anything has the same figures too.
  const [stats, figures] = [await engine.stats(900, ENTRIES), await file.stats(900, ENTRIES)]
  expect(stats.summary.requests).toBe(figures.summary.requests)
  expect(stats.groups.groups.map(({ code, count }) => [code, count])).toEqual(
    figures.groups.groups.map(({ code, count }) => [code, count]),
  )
  expect(stats.summary.probes.requests).toBe(figures.summary.probes.requests)
  expect(stats.range).toEqual(figures.range)
  if (figures.summary.requests > 0) expect(stats.covered).toBe(figures.covered)
  await files.end()
})
