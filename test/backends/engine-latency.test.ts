// Latencies that are none: a real VictoriaLogs counts what files with the same lines count.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import type { Declared } from '../../packages/dashboard/src/lines/formats/line-of.ts'
import { UNDECLARED } from '../../packages/dashboard/src/lines/reader/line-reader.ts'
import { ENTRIES } from '../../packages/dashboard/src/report/selection.ts'
import { queryOf } from '../../packages/dashboard/src/search/query.ts'
import { FileSource } from '../../packages/dashboard/src/source/file-source.ts'
import type { Source } from '../../packages/dashboard/src/source/source.ts'
import { DEFAULT_THRESHOLDS } from '../../packages/dashboard/src/verdict/thresholds.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { insertAndWrite } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const THRESHOLDS = { ...DEFAULT_THRESHOLDS, objective: { share: 0.99, latencyMs: 300 } }
/** As they are written in a line; undefined for a line without the field. */
const VALID = ['5', '"250"', '0', '0.0005', '-0', '1e3', '1.5E-3', '5e-05', '12.345678', '"007"', '350', '0.1']
const TEXTS = ['"abc"', '""', '"-"', '"NaN"', '"Infinity"', '"0x10"', '"1_000"', '"1,000"', '"5."', '".5"', '"+5"']
const INVALID = [...TEXTS, '-3', '-0.25', '"-7"', '" 5"', '"5\\n"', 'null', 'true', '[1]', '{"a":1}', undefined]
/** The engine takes these for numbers. */
const MISTAKEN = ['"10KB"', '"1.2.3.4"', '"2026-01-01T00:00:00Z"']
/** Files read them if the field is declared, and the engine does not. */
const WRITTEN = ['"21ms"', '"1h"']

/** So many that the engine stores them as numbers, not as names. */
const many = (written: (at: number) => number): readonly string[] =>
  Array.from({ length: 60 }, (_, at) => String(written(at)))
const took: Declared = { names: {}, latency: { path: { flat: 'took', segments: ['took'] }, unit: 's' } }
const CASES: readonly (readonly [name: string, values: readonly (string | undefined)[], declared?: Declared])[] = [
  ['numbers only', ['5', '0', '350']],
  ['fractions, with negative ones', many((at) => at * 7.25 - 30)],
  ['integers, with negative ones', many((at) => at * 7 - 30)],
  ['the same invalid value in all lines', ['"-"']],
  ['no latencies at all', [undefined]],
  ['all kinds of values', [...VALID, ...INVALID, ...MISTAKEN, ...WRITTEN]],
  [
    'a declared unit, with longer ones than a day',
    ['0.5', '86400', '86401', '1e9', '-1', ...INVALID, ...MISTAKEN],
    took,
  ],
]
const now = Math.floor(Date.now() / 1_000) * 1_000

let program: string | undefined
let folder = ''
let url = ''
beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  if (program === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'escudo-latency-'))
  url = (await startBackend(victoriaLogs, program)).url
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  await removeBackends()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

/** Requests over ten minutes, each value often enough to be part of a baseline. */
function linesOf(values: readonly (string | undefined)[], name: string): string {
  let lines = ''
  for (let second = 600; second >= 0; second -= 1) {
    const [service, status] = [second % 2 === 0 ? 'shop' : 'inventory', second % 7 === 0 ? 404 : 200]
    const value = values[(second * 7 + (second % 3)) % values.length]
    const timestamp = new Date(now - second * 1_000).toISOString()
    const request = { timestamp, log_level: 'info', event: 'http.request', service, status_code: status, path: '/x' }
    const parent = second % 4 < 2 ? { span_id: `a${second}` } : { span_id: `b${second}`, parent_span_id: 'other' }
    const line = JSON.stringify({ ...request, route: `/${second % 3}`, ...parent, trace_id: `t${second}` })
    lines += value === undefined ? `${line}\n` : `${line.slice(0, -1)},${JSON.stringify(name)}:${value}}\n`
  }
  return lines
}

/** Means are sums of the same numbers in another order. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(9)) : inner,
  )

async function totalsOf(source: Source): Promise<unknown> {
  const {
    breakers: _,
    files: __,
    lines: ___,
    progress: ____,
    engine: _____,
    by_route,
    ...totals
  } = await source.totals(undefined)
  const routes = by_route.toSorted((a, b) => `${a.service}${a.route}`.localeCompare(`${b.service}${b.route}`))
  return rounded({ ...totals, routes })
}

async function verdictOf(source: Source): Promise<unknown> {
  const { state, services } = await source.health()
  return [state, services.map(({ name, reasons, p95_ms, burn_rate }) => [name, reasons, p95_ms, burn_rate])]
}

async function foundIn(source: Source, text: string): Promise<readonly string[]> {
  const { terms, problem } = queryOf(text, now)
  expect(problem).toBeUndefined()
  const found: string[] = []
  const onLine = (line: { readonly at: string | null; readonly latency_ms: number | null }): void => {
    found.push(`${line.at} ${line.latency_ms}`)
  }
  const { signal } = new AbortController()
  await source.search({ terms, limit: 1_000, from: undefined, signal, timeoutMs: 30_000, onLine })
  return found.sort()
}

test.for(CASES)('%s', async ([name, values, declared = UNDECLARED], { skip }: TestContext) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const headers = { AccountID: String(CASES.findIndex(([one]) => one === name) + 1) }
  const path = join(folder, `${headers.AccountID}.jsonl`)
  const text = linesOf(values, declared.latency?.path.flat ?? 'latency_ms')
  await insertAndWrite(url, path, [text], headers)
  const files = new LogFiles([path], declared, () => now)
  const engine = new VictoriaLogs({ url, headers }, declared, () => now)
  const file = new FileSource(files)
  for (const source of [file, engine]) source.judgeBy(THRESHOLDS)
  await files.readAll()
  await engine.connect()

  expect(await totalsOf(engine)).toEqual(await totalsOf(file))
  expect(await verdictOf(engine)).toEqual(await verdictOf(file))
  const [shown, expected] = [await engine.stats(900, ENTRIES), await file.stats(900, ENTRIES)]
  expect(rounded(shown.summary.entries)).toEqual(rounded(expected.summary.entries))
  const p95s = ({ tables }: typeof shown) => tables.services.rows.map(({ service, p95 }) => [service, p95]).sort()
  expect(p95s(shown)).toEqual(p95s(expected))
  // Charts are within 3 %.
  const [own, known] = [await engine.hits(900, ENTRIES), await file.hits(900, ENTRIES)]
  expect(own.map((column) => column.map((value) => value !== null))).toEqual(
    known.map((column) => column.map((value) => value !== null)),
  )
  for (const query of ['latency:>1', '-latency:>1', 'latency:<=5', '-latency:<=5', 'latency:5', '-latency:5'])
    expect([query, await foundIn(engine, query)]).toEqual([query, await foundIn(file, query)])
  await files.end()
})
