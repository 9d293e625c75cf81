// The map of a real VictoriaLogs is that of a file with the same lines. Each system is a tenant of one engine.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import type { Declared } from '../../packages/dashboard/src/lines/formats/line-of.ts'
import { UNDECLARED } from '../../packages/dashboard/src/lines/reader/line-reader.ts'
import type { ServiceMap } from '../../packages/dashboard/src/report/calls.ts'
import { viewData } from '../../packages/dashboard/src/server/views.ts'
import { FileSource } from '../../packages/dashboard/src/source/file-source.ts'
import type { Source } from '../../packages/dashboard/src/source/source.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { LONG_NAME, MARKUP, writeCalls } from '../page/helpers/calls.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { breakerLines, engineLines } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const MINUTE_MS = 60_000
const now = Math.floor(Date.now() / 1_000) * 1_000
const NEVER = new AbortController().signal

let program: string | undefined
let url = ''
let folder = ''
beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  folder = await mkdtemp(join(tmpdir(), 'escudo-map-'))
  if (program !== undefined) url = (await startBackend(victoriaLogs, program)).url
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  await removeBackends()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

type Fields = Readonly<Record<string, unknown>>

/** A request that ended so many milliseconds ago. */
function request(agoMs: number, fields: Fields): string {
  const usual = { log_level: 'info', event: 'http.request', method: 'GET', route: '/items/:id', status_code: 200 }
  return `${JSON.stringify({ ...usual, timestamp: new Date(now - agoMs).toISOString(), latency_ms: 5, ...fields })}\n`
}

/** A hundred times the same, one a second, the last one a second ago. */
function often(linesOf: (id: string, agoMs: number) => string): string {
  return Array.from({ length: 100 }, (_, at) => linesOf(`n${at}`, (100 - at) * 1_000)).join('')
}

/** A chain whose client spans are in no line: only traces tell of it. */
const traced = often((id, ago) => {
  const line = (service: string, ms: number, fields: Fields): string =>
    request(ago - ms, { service, trace_id: id, latency_ms: 2 * ms + 10, span_id: `${service}${id}`, ...fields })
  return (
    line('inventory', 10, { parent_span_id: `client2${id}` }) +
    line('shop', 20, { parent_span_id: `client1${id}` }) +
    line('web', 30, {})
  )
})

/** What must not become a call, or is a call in spite of what is wrong with it. */
const odd = often((id, ago) => {
  const inner = { service: 'inventory', trace_id: id, parent_span_id: `s${id}` }
  return [
    request(ago, { ...inner, span_id: `i${id}`, status_code: 'none', latency_ms: 'NaN' }),
    request(ago, { ...inner, span_id: `j${id}`, status_code: 503, latency_ms: -1 }),
    request(ago, { ...inner, span_id: `p${id}`, route: undefined, path: '/healthz?full=1' }),
    request(ago, { ...inner, service: 'long', span_id: `l${id}`, route: undefined, path: `/${'x'.repeat(3_000)}` }),
    request(ago - 1, { service: 'shop', trace_id: id, span_id: `s${id}`, latency_ms: 1e308 }),
    request(ago, { service: 'alone' }),
  ].join('')
})

const onlyShields = [
  request(5_000, { service: 'inventory' }),
  request(5_000, { service: 'shop' }),
  ...['inventory', 'mail'].map((shield) =>
    request(4_000, { service: 'shop', event: 'retry.attempt', shield, status_code: undefined, latency_ms: undefined }),
  ),
  ...breakerLines(now - 60_000).map((line) => `${JSON.stringify({ ...line, shield: 'mail' })}\n`),
].join('')

const old = engineLines(1_000, now - 200 * MINUTE_MS, now - 190 * MINUTE_MS)

const SYSTEMS: readonly (readonly [name: string, lines: () => Promise<string> | string, edges: readonly string[]])[] = [
  ['the shop', () => [...engineLines(6_000, now - 8 * MINUTE_MS, now)].join(''), ['shop → inventory (span)']],
  [
    'a circle, a chain, long names and breakers',
    async () => {
      await writeCalls(folder)
      return await readFile(join(folder, 'all.jsonl'), 'utf8')
    },
    [
      `inventory → stock (span)`,
      `${LONG_NAME} → ${MARKUP} (span)`,
      `shop → inventory (span)`,
      'shop → mail (shield)',
      `shop → ${LONG_NAME} (span)`,
      'shop → shop (span)',
      'stock → shop (span)',
      'web → shop (span)',
    ],
  ],
  ['traces without client spans', () => traced, ['shop → inventory (trace)', 'web → shop (trace)']],
  ['odd values', () => odd, ['shop → inventory (span)', 'shop → long (span)']],
  ['only shields', () => onlyShields, ['shop → inventory (shield)', 'shop → mail (shield)']],
  ['old lines', () => [...old].join(''), ['shop → inventory (span)']],
  ['nothing', () => '', []],
]

/** Inserts lines into the engine as those of a tenant. */
async function insert(tenant: number, text: string): Promise<Readonly<Record<string, string>>> {
  const headers = { AccountID: String(tenant) }
  const query = '_time_field=timestamp&_msg_field=event&_stream_fields=service'
  if (text !== '') await fetch(`${url}/insert/jsonline?${query}`, { method: 'POST', body: text, headers })
  await fetch(`${url}/internal/force_flush`)
  return headers
}

async function mapOf(source: Source, query = 'range=900'): Promise<ServiceMap> {
  return (await viewData(source, '/api/map', new URLSearchParams(query), () => NEVER)) as ServiceMap
}

/** The map of the same lines in a file. */
async function fileMap(name: string, text: string, declared?: Declared): Promise<ServiceMap> {
  const path = join(folder, `${name}.jsonl`)
  await writeFile(path, text)
  const files = new LogFiles([path], declared, () => now)
  await files.readAll()
  const map = await mapOf(new FileSource(files))
  await files.end()
  return map
}

const engineOf = (headers: Readonly<Record<string, string>>, declared?: Declared): Source =>
  new VictoriaLogs({ url, headers }, declared, () => now)

const edges = ({ calls }: ServiceMap): readonly string[] =>
  calls.map(({ from, to, known_by }) => `${from} → ${to} (${known_by})`)

/** Minutes of the past begin at full minutes in an engine. */
const compared = ({ at, services }: ServiceMap): object => ({
  at,
  services: services.map(({ since, ...service }) => ({ ...service, hasBegun: since !== null })),
})

test.for(SYSTEMS)('%s', { timeout: 60_000 }, async ([name, linesOf, expected], { skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const number = SYSTEMS.findIndex(([one]) => one === name) + 1
  const text = await linesOf()
  const engine = engineOf(await insert(number, text))
  // A page was just opened: the first verdict is in haste.
  engine.openStream().close()
  const map = await mapOf(engine)
  const own = await fileMap(String(number), text)
  expect(edges(map)).toEqual(expected)
  expect(map.calls).toEqual(own.calls)
  // The engine counts latencies that are none as short ones.
  if (name !== 'odd values') expect(compared(map)).toEqual(compared(own))
  expect(map.sample).toMatchObject({ is_whole: true, is_partial: false })
  expect(own).not.toHaveProperty('sample')
})

test('fields that --field declares', async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const path = (flat: string) => [{ flat, segments: flat.split('.') }]
  const declared: Declared = {
    ...UNDECLARED,
    names: {
      service: path('app.name'),
      trace: path('ids.trace'),
      span: path('ids.span'),
      parent: path('ids.parent'),
      status: path('outcome.code'),
    },
    latency: { path: { flat: 'took', segments: ['took'] }, unit: 's' },
  }
  const text = often((id, ago) => {
    const line = (name: string, ms: number, ids: object): string =>
      `${JSON.stringify({ timestamp: new Date(now - ms).toISOString(), message: 'done', app: { name }, ids, outcome: { code: 500 }, took: 0.2, path: '/' })}\n`
    return (
      line('inventory', ago, { trace: id, span: `i${id}`, parent: `s${id}` }) +
      line('shop', ago - 1, { trace: id, span: `s${id}` })
    )
  })
  const map = await mapOf(engineOf(await insert(90, text), declared))
  expect(map.calls).toMatchObject([{ from: 'shop', to: 'inventory', known_by: 'span', state: 'failing' }])
  expect(map.calls).toEqual((await fileMap('declared', text, declared)).calls)
})

test('a range that was chosen in a chart has the calls of its end, and none from after it', async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const end = Math.floor(now / MINUTE_MS - 10) * MINUTE_MS
  const text = [...engineLines(1_000, end - 10 * MINUTE_MS, end)].join('')
  const after =
    request(2_000, { service: 'late', parent_span_id: 'a' }) + request(1_000, { service: 'a', span_id: 'a' })
  const engine = engineOf(await insert(91, text + after))
  const whole = await mapOf(engine, 'range=3600')
  expect(edges(whole)).toEqual(['a → late (span)', 'shop → inventory (span)'])
  expect(whole.calls.map(({ calls }) => calls)).toEqual([1, 0])
  const past = await mapOf(engine, `from=${end - 10 * MINUTE_MS}&to=${end}`)
  expect(edges(past)).toEqual(['shop → inventory (span)'])
  const [call] = past.calls
  // A hundred requests a minute: 95 of them ask the inventory.
  expect((call?.calls ?? 0) / (call?.seconds ?? 1)).toBeCloseTo(95 / 60, 1)
  expect(past).toMatchObject({ at: new Date(end).toISOString(), sample: { is_whole: true } })
  const before = await mapOf(engine, `from=${now - 60 * MINUTE_MS}&to=${now - 30 * MINUTE_MS}`)
  expect([before.calls, before.sample?.requests]).toEqual([[expect.objectContaining({ known_by: 'shield' })], 0])
})

test('a sample of the newest requests has the same edges and rates', { timeout: 120_000 }, async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  // 400 requests a second: 20,000 lines are of 26 seconds.
  const headers = { AccountID: '92' }
  for (const batch of engineLines(48_000, now - 2 * MINUTE_MS, now)) await insert(92, batch)
  const { calls, sample } = await mapOf(engineOf(headers))
  expect(calls).toMatchObject([{ from: 'shop', to: 'inventory', known_by: 'span', state: 'failing' }])
  expect(sample).toMatchObject({ requests: 20_000, is_whole: false, to: new Date(now).toISOString() })
  const [call] = calls
  const seconds = (now - Date.parse(sample?.from ?? '')) / 1_000
  expect(seconds).toBeGreaterThan(20)
  expect(seconds).toBeLessThan(30)
  expect(call?.seconds).toBe(Math.round(seconds))
  expect((call?.calls ?? 0) / seconds).toBeGreaterThan(370)
  expect((call?.calls ?? 0) / seconds).toBeLessThan(390)
  expect((call?.failures ?? 0) / (call?.calls ?? 1)).toBeCloseTo(0.105, 2)
})

test('long paths do not make the answer too long', { timeout: 60_000 }, async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const path = `/${'x'.repeat(3_400)}`
  for (let batch = 0; batch < 10; batch += 1) {
    const lines = Array.from({ length: 1_000 }, (_, at) =>
      request(batch * 1_000 + at, { service: 'shop', trace_id: `${batch}-${at}`, route: undefined, path }),
    )
    await insert(93, lines.join(''))
  }
  expect((await mapOf(engineOf({ AccountID: '93' }))).sample?.requests).toBe(10_000)
})
