// A search of the dashboard finds in a real VictoriaLogs what it finds in a file with the same lines.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import { ENTRIES, selectionOf } from '../../packages/dashboard/src/report/selection.ts'
import { type SearchOptions, searchHistory } from '../../packages/dashboard/src/search/history.ts'
import { queryOf } from '../../packages/dashboard/src/search/query.ts'
import { FileSource } from '../../packages/dashboard/src/source/file-source.ts'
import type { Source } from '../../packages/dashboard/src/source/source.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { insertAndWrite } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const ODD = [
  'a"b',
  "it's",
  'x) or *',
  '{service="a"}',
  'back\\slash',
  'ünïcode',
  '<b>',
  'a|b',
  '_time:1h',
  '(?i)x.*',
  '*',
  '-',
  '..',
]
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical']

let program: string | undefined
let folder = ''
let sources: { readonly engine: Source; readonly file: Source; readonly files: LogFiles } | undefined
const now = Math.floor(Date.now() / 60_000) * 60_000

/** Lines with names and texts that could be part of a query. */
function* oddLines(): Generator<string> {
  let at = now - 300_000
  const lines: object[] = []
  const add = (line: object): void => {
    at += 37
    lines.push({ timestamp: new Date(at).toISOString(), ...line })
  }
  for (let round = 0; round < 20; round += 1)
    for (const [index, name] of ODD.entries()) {
      const request = {
        event: 'http.request',
        log_level: 'info',
        service: name,
        method: 'GET',
        trace_id: `t-${round}-${name}`,
      }
      const status = [200, 200, 404, 503][(round + index) % 4]
      add({
        ...request,
        route: `/${name}/:id`,
        path: `/${name}/7`,
        status_code: status,
        latency_ms: round * 10 + index,
      })
      add({
        event: 'note',
        log_level: LEVELS[(round + index) % 5],
        service: name,
        message: `said ${name} in round ${round}`,
        'nested.key': index,
      })
      add({ ...request, path: `/p/${round}${index}/x`, status_code: 200 })
    }
  yield lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  if (program === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'escudo-search-'))
  const { url } = await startBackend(victoriaLogs, program)
  const path = join(folder, 'odd.jsonl')
  await insertAndWrite(url, path, oddLines())
  const files = new LogFiles([path])
  await files.readAll()
  const engine = new VictoriaLogs({ url, headers: {} })
  await engine.connect()
  sources = { engine, file: new FileSource(files), files }
}, victoriaLogs.buildMsMax + 60_000)
afterAll(async () => {
  await sources?.files.end()
  await removeBackends()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

function both({ skip }: TestContext): NonNullable<typeof sources> {
  return sources ?? skip('VictoriaLogs is not built')
}

async function found(
  search: (options: SearchOptions) => Promise<{ readonly next: unknown }>,
  text: string,
  limit: number,
): Promise<readonly string[]> {
  const { terms, problem } = queryOf(text, now)
  expect(problem).toBeUndefined()
  const lines: string[] = []
  const onLine: SearchOptions['onLine'] = ({ at, service, path, message, event }) =>
    void lines.push(JSON.stringify([at, service, path, message, event]))
  let from: unknown
  do {
    const { signal } = new AbortController()
    const { next } = await search({ terms, limit, from, signal, timeoutMs: 30_000, onLine })
    from = next
  } while (from !== undefined)
  return lines
}

const QUERIES = [
  '',
  'said',
  '"in round 7"',
  'SAID -round',
  'status:503',
  'status:5xx',
  'status>=400 level:info',
  'level>=warning',
  'level:err',
  'latency:>150ms',
  'latency:<=2',
  'latency:10',
  'service:ÜNÏCODE',
  'service:a*',
  'path:/p/1*',
  'route:/p/{id}/x',
  'nested.key:3',
  'nested.key>=11',
  'method:get event:http.request',
  'trace:t-3*',
  'message:"said <b>"',
  '-service:"a|b" status:404',
  'from:4m to:3m',
  'warning',
  ...ODD.filter((name) => name.length > 1).map((name) => `"${name.replace(/["\\]/g, '\\$&')}"`),
  ...ODD.map((name) => `service:"${name.replace(/["\\]/g, '\\$&')}"`),
]

test.for(QUERIES)('finds what files have: %s', async (query, context) => {
  const { engine, files } = both(context)
  const expected = await found((options) => searchHistory(files, options), query, 500)
  const own = await found((options) => engine.search(options), query, 60)
  expect(own.toSorted()).toEqual(expected.toSorted())
  const times = own.map((line) => (JSON.parse(line) as [string])[0])
  expect(times).toEqual(times.toSorted().reverse())
})

test('selects services and routes whose names could be part of a query', async (context) => {
  const { engine, file } = both(context)
  const range = { from: now - 300_000, to: now + 60_000 }
  for (const name of ODD) {
    const selections = [selectionOf(name, undefined, false), selectionOf(name, `/${name}/:id`, false)]
    for (const selection of selections) {
      const [own, expected] = await Promise.all([engine.stats(range, selection), file.stats(range, selection)])
      expect([name, own.summary.by_status]).toEqual([name, expected.summary.by_status])
      const sum = (columns: Awaited<ReturnType<Source['hits']>>): readonly number[] =>
        [1, 2, 3].map((at) => columns.reduce((all, column) => all + Number(column[at]), 0))
      expect([name, sum(await engine.hits(range, selection))]).toEqual([name, sum(await file.hits(range, selection))])
    }
  }
  const selection = selectionOf(undefined, '/p/{id}/x', false)
  expect((await engine.hits(range, selection)).length).toBe((await file.hits(range, selection)).length)
  expect((await engine.tail(ENTRIES, 0)).length).toBe((await file.tail(ENTRIES, 0)).length)
})
