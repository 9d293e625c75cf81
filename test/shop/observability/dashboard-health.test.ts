import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { endAll, freePorts, startScript, until } from '../helpers/processes.ts'
import { askPort } from '../helpers/requests.ts'

// The dashboard as a separate program, on the logs of thirty services and on a large one.

const BIN = 'packages/dashboard/src/bin.ts'
const MEMORY_MB_MAX = 192
const NAMED_WITHIN_MS = 2_000
const SERVICES = ['gateway', 'shop', 'inventory', ...Array.from({ length: 27 }, (_, index) => `service-${index}`)]
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-health-'))
})
afterEach(async () => {
  await endAll()
  await rm(folder, { recursive: true })
})
afterAll(endAll)

interface Health {
  readonly state: string
  readonly since: string | null
  readonly cause: { readonly service: string; readonly reason: string } | null
  readonly effect: { readonly requests: number; readonly failures: number; readonly services: readonly string[] }
  readonly services: readonly { readonly name: string; readonly state: string }[]
}

const path = (service: string): string => join(folder, `${service}.jsonl`)

let traces = 0
/** The lines of one request: from the gateway through the shop to the inventory, as the services write them. */
function lines(at: number, status: number): readonly (readonly [service: string, line: string])[] {
  traces += 1
  const trace_id = traces.toString(16).padStart(32, '0')
  return ['inventory', 'shop', 'gateway'].map((service, depth) => {
    const parent = service === 'gateway' ? {} : { parent_span_id: `client-${service}-${traces}` }
    const answer = status === 200 || service === 'inventory' ? status : 502
    const line = { event: 'http.request', service, trace_id, span_id: `${service}-${traces}`, ...parent }
    const fields = { timestamp: new Date(at).toISOString(), path: '/items', status_code: answer, latency_ms: depth + 1 }
    return [service, `${JSON.stringify({ ...line, ...fields })}\n`]
  })
}

/** The highest memory of a process so far; 0 where the system does not tell. */
async function peakMbOf(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024
}

async function start(...args: readonly string[]): Promise<{ readonly get: (path: string) => Promise<unknown> }> {
  const [port] = (await freePorts(1)) as [number]
  startScript(BIN, ['--port', String(port), ...args], {})
  const get = async (url: string): Promise<unknown> => (await askPort(port, url)).json
  await until('the dashboard', () => get('/healthz').catch(() => undefined))
  return { get }
}

test('names the broken one of thirty services within 2 s, since when, and the effect', async () => {
  const begun = Date.now() - 600_000
  for (const service of SERVICES.slice(3)) {
    const usual = Array.from({ length: 600 }, (_, second) =>
      JSON.stringify({
        timestamp: new Date(begun + second * 1_000).toISOString(),
        event: 'http.request',
        service,
        status_code: 200,
        latency_ms: 5,
        path: '/',
      }),
    )
    await writeFile(path(service), `${usual.join('\n')}\n`)
  }
  for (let second = 0; second < 600; second += 1) {
    for (const [service, line] of lines(begun + second * 1_000, 200)) await appendFile(path(service), line)
  }
  const { get } = await start(...SERVICES.map(path))
  const health = async (): Promise<Health> => (await get('/api/health')) as Health
  const calm = await until('thirty services', async () => {
    const now = await health()
    return now.services.length === SERVICES.length && now
  })
  expect(calm).toMatchObject({ state: 'healthy', since: null, cause: null })

  const broken = Date.now()
  for (let request = 0; request < 10; request += 1) {
    for (const [service, line] of lines(broken + request, 503)) await appendFile(path(service), line)
  }
  const failing = await until(
    'the verdict',
    async () => {
      const now = await health()
      return now.cause?.service === 'inventory' && now.effect.failures === 10 && now
    },
    NAMED_WITHIN_MS,
  )
  expect(Date.now() - broken).toBeLessThan(NAMED_WITHIN_MS)
  expect(failing).toMatchObject({
    state: 'failing',
    since: new Date(broken).toISOString(),
    cause: { service: 'inventory', reason: '5xx' },
    effect: { failures: 10, services: ['gateway', 'shop'] },
  })
  const others = failing.services.filter(({ name }) => name.startsWith('service-'))
  expect(new Set(others.map(({ state }) => state))).toEqual(new Set(['healthy']))
}, 60_000)

test('counts every line of a million, with dates in the future and in the past', async () => {
  const count = 1_000_000
  const started = Date.now()
  const truth = { requests: 0, errors: 0, ahead: 0, malformed: 0 }
  const log = path('large')
  for (let first = 0; first < count; first += 20_000) {
    let text = ''
    for (let line = first; line < first + 20_000; line += 1) {
      if (line % 5_000 === 0) {
        text += 'awkward\n'
        truth.malformed += 1
        continue
      }
      const isAhead = line % 7_001 === 0
      const at = isAhead ? started + 72_000_000 : started - 60_000 + Math.floor((line * 60) / 1_000)
      const status = line % 100 === 3 ? 503 : 200
      truth.requests += 1
      if (status === 503) truth.errors += 1
      if (isAhead) truth.ahead += 1
      const span = `"trace_id":"t${line >>> 2}","span_id":"s${line}"${line % 4 === 0 ? '' : `,"parent_span_id":"s${line - 1}"`}`
      text += `{"timestamp":"${new Date(at).toISOString()}","event":"http.request","service":"s${line % 4}",${span},"status_code":${status},"latency_ms":${line % 50},"path":"/"}\n`
    }
    await appendFile(log, text)
  }
  const [port] = (await freePorts(1)) as [number]
  const dashboard = startScript(BIN, ['--port', String(port), log], {})
  const read = await until(
    'every line',
    async () => {
      const answer = await askPort(port, '/api/summary').catch(() => undefined)
      const now = answer?.json as unknown as { readonly lines: { readonly read: number } } | undefined
      return now?.lines.read === count && now
    },
    100_000,
  )
  expect(read).toMatchObject({
    requests: truth.requests,
    server_errors: truth.errors,
    lines: { malformed: truth.malformed, ahead: truth.ahead },
  })
  const children = await readFile(`/proc/${dashboard.pid}/task/${dashboard.pid}/children`, 'utf8').catch(() => '')
  const pids = [String(dashboard.pid), ...children.split(' ').filter((pid) => pid !== '')]
  const peaks = await Promise.all(pids.map(peakMbOf))
  expect(Math.max(...peaks)).toBeLessThan(MEMORY_MB_MAX)
}, 120_000)
