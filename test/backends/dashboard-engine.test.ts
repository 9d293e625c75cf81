// The dashboard reads a real VictoriaLogs, and shows what it shows of files with the same lines.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import { summarize } from '../../packages/dashboard/src/report/summary.ts'
import { createDashboard } from '../../packages/dashboard/src/server/server.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { freePorts, until } from '../shop/helpers/processes.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { breakerLines, engineLines, insertAndWrite, insertLines, traceOf } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { type RunningBackend, removeBackends, startBackend } from './helpers/running-backend.ts'
import { readEvents } from './helpers/server-sent.ts'

/** `ESCUDO_ENGINE_REQUESTS=500000` sends about a million lines. */
const REQUESTS = Number(process.env['ESCUDO_ENGINE_REQUESTS'] ?? 6_000)
const MINUTES = 8

// biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes, and are compared as a whole
type Answer = any

let program: string | undefined
let folder = ''
let engine: RunningBackend | undefined
let file = ''
let lines = 0
let origin = ''
const closing: (() => Promise<unknown>)[] = []
// Whole seconds: files are counted in slots.
const to = Math.floor(Date.now() / 10_000) * 10_000
const from = to - MINUTES * 60_000

/** Serves the page for an engine. */
async function serve(url: string): Promise<string> {
  const [port] = (await freePorts(1)) as [number]
  const source = new VictoriaLogs({ url, headers: {} })
  await source.connect()
  const server = await createDashboard(source, port)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function ask(path: string, base = origin): Promise<Answer> {
  return await (await fetch(base + path)).json()
}

beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  if (program === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'escudo-engine-'))
  file = join(folder, 'all.jsonl')
  engine = await startBackend(victoriaLogs, program)
  lines = await insertAndWrite(engine.url, file, engineLines(REQUESTS, from, to))
  origin = await serve(engine.url)
}, victoriaLogs.buildMsMax + 600_000)
afterAll(async () => {
  for (const close of closing.splice(0)) await close()
  await removeBackends()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

function running({ skip }: TestContext): RunningBackend {
  return engine ?? skip('VictoriaLogs is not built')
}

/** Means are sums of the same numbers in another order. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(9)) : inner,
  )

describe('one node', () => {
  test('has the same totals as the files: of everything, and of a range', async (context) => {
    running(context)
    const files = new LogFiles([file])
    await files.readAll()
    const middle = from + (to - from) / 2
    for (const range of [undefined, { from: middle, to }]) {
      const query = range === undefined ? '' : `?from=${range.from}&to=${range.to}`
      const startedMs = performance.now()
      const counted = await ask(`/api/summary${query}`)
      console.log(`${lines} lines in VictoriaLogs: totals in ${Math.round(performance.now() - startedMs)} ms`)
      const expected = summarize(files, range)
      const { breakers, by_route, files: _, lines: __, progress, engine: ___, ...totals } = counted
      const {
        breakers: ownBreakers,
        by_route: ownRoutes,
        files: ____,
        lines: _____,
        progress: ______,
        ...own
      } = expected
      expect(rounded(totals)).toEqual(rounded(own))
      const byName = (routes: readonly { readonly service: string; readonly route: string | null }[]) =>
        routes.toSorted((a, b) => `${a.service} ${a.route}`.localeCompare(`${b.service} ${b.route}`))
      expect(rounded(byName(by_route))).toEqual(rounded(byName(ownRoutes)))
      expect(breakers).toEqual(ownBreakers)
      expect(progress).toEqual({ read: 0, all: 0 })
    }
    expect((await ask('/api/summary')).lines.read).toBe(lines)
    await files.end()
  }, 300_000)

  test('shows the same verdict, columns, tables, groups and lanes as the files', async (context) => {
    running(context)
    const files = new LogFiles([file])
    await files.readAll()
    const [port] = (await freePorts(1)) as [number]
    const server = await createDashboard(files, port)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const fromFiles = `http://127.0.0.1:${port}`
    const query = `from=${from}&to=${to}`
    const [[{ data: shown }], [{ data: own }]] = (await Promise.all([
      readEvents(`${origin}/api/stream?${query}`, 1),
      readEvents(`${fromFiles}/api/stream?${query}`, 1),
    ])) as Answer
    const sum = (columns: readonly (readonly number[])[], at: number): number =>
      columns.reduce((all, column) => all + (column[at] ?? 0), 0)
    for (const at of [1, 2, 3, 7]) expect([at, sum(shown.columns, at)]).toEqual([at, sum(own.columns, at)])
    expect(shown.columns.map(([at]: [number]) => at)).toEqual(own.columns.map(([at]: [number]) => at))
    expect(rounded(shown.summary.entries)).toEqual(rounded(own.summary.entries))
    expect(shown.summary.by_status).toEqual(own.summary.by_status)
    const rows = ({ rows: all }: Answer) => all.map(({ trend: _, failed: __, ...row }: Answer) => row)
    expect(rows(shown.tables.services)).toEqual(rows(own.tables.services))
    expect(rows(shown.tables.routes)).toEqual(rows(own.tables.routes))
    const trends = ({ rows: all }: Answer) => all.map(({ trend, failed }: Answer) => [trend, failed])
    expect(trends(shown.tables.services)).toEqual(trends(own.tables.services))
    const groups = ({ groups: all }: Answer) =>
      all.map(({ service, code, message, kind, fallback, count, first, last }: Answer) => ({
        service,
        code,
        message,
        kind,
        fallback,
        count,
        first,
        last,
      }))
    expect(groups(shown.groups)).toEqual(groups(own.groups))
    expect(shown.groups.groups[0].traces.length).toBe(5)
    expect(shown.lanes.map(({ callee: _, ...lane }: Answer) => lane)).toEqual(
      own.lanes.map(({ callee: _, ...lane }: Answer) => lane),
    )
    expect(shown.lanes[0].refusals).toBeGreaterThan(100)
    expect(shown.summary.events).toEqual(own.summary.events)
    expect(shown.tail.length).toBe(300)
    expect(shown.errors.length).toBe(own.errors.length)
    expect(shown.engine).toMatchObject({ name: 'VictoriaLogs', state: 'whole', missing: [] })
    const { engine: _, ...health } = shown.health
    expect([
      health.state,
      health.cause,
      health.services.map(({ name, state, reasons }: Answer) => [name, state, reasons]),
    ]).toEqual([
      own.health.state,
      own.health.cause,
      own.health.services.map(({ name, state, reasons }: Answer) => [name, state, reasons]),
    ])
    await new Promise((resolve) => server.close(resolve))
    await files.end()
  }, 120_000)

  test('finds a trace, a line and the hits of a search', async (context) => {
    running(context)
    const trace = await ask(`/api/traces/${traceOf(3)}?facts=1`)
    expect(trace.lines.map(({ service, event }: Answer) => `${service} ${event}`)).toEqual([
      'inventory http.request',
      'shop http_error',
      'shop http.request',
    ])
    expect(trace.facts[2]).toMatchObject({ status: 502, is_request: true, span_id: expect.any(String) })
    expect((await fetch(`${origin}/api/traces/none`)).status).toBe(404)

    const search = async (q: string, limit = 500): Promise<Answer> =>
      await ask(`/api/search?limit=${limit}&q=${encodeURIComponent(q)}`)
    const found = await search('service:SHOP status:5xx "No answer"')
    expect(found.lines.length).toBeGreaterThan(100)
    const one = await ask(`/api/lines/${found.lines[0].place}`)
    expect(one.line).toMatchObject({ service: 'shop', event: 'http_error', status_code: 502 })
    expect(one.facts.raw).toContain('no answer after')
    // All pages together are all lines, each once.
    let page = await search('status:404', 40)
    const paths: string[] = []
    for (;;) {
      paths.push(...page.lines.map(({ path }: Answer) => path))
      if (page.next === null) break
      page = await ask(`/api/search?limit=40&cursor=${page.next}`)
    }
    expect(new Set(paths).size).toBe(paths.length)
    expect(paths.length).toBe(Math.floor((REQUESTS - 10) / 40) + 1)
    expect((await search('latency:>199ms route:/items/:id -status:502', 5)).lines.length).toBe(5)
  }, 60_000)

  test('shows lines that were added, and goes on after a restart of the engine', async (context) => {
    const { url, stop, startAgain } = running(context)
    const abort = new AbortController()
    const messages: Answer[] = []
    const reading = readEvents(`${origin}/api/stream?range=900`, Number.POSITIVE_INFINITY, abort.signal, (message) =>
      messages.push(message.data),
    )
    const latest = (name: string): Answer => messages.findLast((message) => message[name] !== undefined)?.[name]
    await until('the first figures', async () => latest('summary') !== undefined)
    const line = (message: string): string =>
      `${JSON.stringify({ timestamp: new Date().toISOString(), log_level: 'info', event: 'hello', message, service: 'fresh', status_code: undefined })}\n`
    await insertLines(url, line('before the restart'))
    const hasLine = (text: string): boolean =>
      messages.some(({ tail = [] }) => tail.some((one: Answer) => one.text.includes(text)))
    await until('the line', async () => hasLine('before the restart'), 20_000)

    await stop()
    await until('the page to say it', async () => latest('engine')?.state === 'unreachable', 20_000)
    expect(latest('engine').message).toContain('cannot be reached')
    expect(latest('health').as_of).not.toBeNull()
    expect((await ask('/api/health')).engine.state).toBe('unreachable')
    expect((await fetch(`${origin}/api/summary`)).status).toBe(502)
    await startAgain()
    await insertLines(url, line('after the restart'))
    await until('the line', async () => hasLine('after the restart'), 20_000)
    await until('the page to say it', async () => latest('engine')?.state === 'whole', 20_000)
    abort.abort()
    await reading.catch(() => {})
  }, 90_000)
})

describe('a cluster of two storage nodes', () => {
  test('says which storage node is missing, shows what the other has, and is whole again later', async (context) => {
    running(context)
    const nodes = [
      await startBackend(victoriaLogs, program as string),
      await startBackend(victoriaLogs, program as string),
    ]
    const [first, second] = nodes as [RunningBackend, RunningBackend]
    const addresses = nodes.map(({ url }) => url.replace('http://', ''))
    const args = (port: number): readonly string[] => [
      `-storageNode=${addresses.join(',')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=PANIC',
    ]
    const front = await startBackend({ ...victoriaLogs, args }, program as string)
    for (const batch of engineLines(2_000, from, to)) await insertLines(front.url, batch)
    for (const line of breakerLines(from)) await insertLines(front.url, JSON.stringify(line))
    await fetch(`${front.url}/internal/force_flush`)
    // Only what is on the disk survives SIGKILL.
    await second.stop()
    await second.startAgain()
    const base = await serve(front.url)
    const whole = await ask('/api/summary', base)
    expect(whole.engine).toMatchObject({ state: 'whole', missing: [], since: null })
    expect(whole.requests).toBeGreaterThan(3_000)

    const wholeMap = await ask(`/api/map?from=${from}&to=${to}`, base)
    expect(wholeMap.sample.is_partial).toBe(false)

    await second.stop('SIGKILL')
    const partial = await ask('/api/summary', base)
    expect(partial.engine).toMatchObject({ state: 'partial', missing: [addresses[1]], since: expect.any(String) })
    expect(partial.requests).toBeLessThan(whole.requests)
    expect(partial.files[0].hints[0]).toContain(addresses[1])
    expect((await ask('/api/health', base)).engine.state).toBe('partial')
    expect((await ask('/api/search?q=status:502', base)).is_partial).toBe(true)
    expect((await ask(`/api/traces/${traceOf(3)}`, base)).is_partial).toBe(true)
    const map = await ask(`/api/map?from=${from}&to=${to}`, base)
    expect([map.calls.length, map.sample.is_partial]).toEqual([1, true])
    expect(map.sample.requests).toBeLessThan(wholeMap.sample.requests)
    const [{ data: shown }] = (await readEvents(`${base}/api/stream?from=${from}&to=${to}`, 1)) as Answer
    expect(shown.engine).toMatchObject({ state: 'partial', missing: [addresses[1]] })
    expect(shown.sources.troubled).toBe(1)

    await second.startAgain()
    await until('all lines', async () => (await ask('/api/summary', base)).engine.state === 'whole', 20_000)
    expect((await ask('/api/summary', base)).requests).toBe(whole.requests)
    expect((await ask(`/api/map?from=${from}&to=${to}`, base)).sample.is_partial).toBe(false)
    await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')])
    for (const path of ['/api/summary', '/api/map?range=300']) expect((await fetch(base + path)).status).toBe(502)
    const hasNoVerdict = async () => (await ask('/api/health', base)).engine.state === 'unreachable'
    await until('the verdict to say it', hasNoVerdict, 20_000)
  }, 120_000)
})
