// `npm run test:backends`: what shipping lines to a real VictoriaLogs costs, and what `kill -9` of it loses.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogShipper } from 'escudo/log-shipper'
import { createLogger } from 'escudo/pino'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { startScript, until } from '../shop/helpers/processes.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { goProgram } from './helpers/go-build.ts'
import { countLines } from './helpers/log-query.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const LINES = 100_000
const ROUNDS = 5
const PATHS = ['/insert/jsonline', '/insert/loki/api/v1/push'] as const

let program: string | undefined
let folder = ''
beforeAll(async () => {
  program = await goProgram(victoriaLogs)
  folder = await mkdtemp(join(tmpdir(), 'escudo-figures-'))
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  await removeBackends()
  await rm(folder, { recursive: true, force: true })
})

function built({ skip }: TestContext): string {
  return program ?? skip('VictoriaLogs is not built')
}

interface Cost {
  readonly cpuMs: number
  readonly wallMs: number
  readonly shipped: number
  readonly lost: number
}

async function logLines(count: number, perSecond: number, url?: string): Promise<Cost> {
  const file = join(folder, 'lines.jsonl')
  const args = [file, String(count), String(perSecond), ...(url === undefined ? [] : [url])]
  const child = startScript('test/backends/programs/log-lines.ts', args, {})
  expect(await child.exit, child.stderr()).toEqual({ code: 0, signal: null })
  await rm(file)
  return JSON.parse(child.stdout()) as Cost
}

const quartiles = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2)
  return `${at(0.25)} / ${at(0.5)} / ${at(0.75)}`
}

test(`processor time of a line, with ${ROUNDS} rounds of ${LINES} lines, interleaved`, async (context) => {
  const engine = await startBackend(victoriaLogs, built(context))
  const costs = new Map<string, Cost[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const path of [undefined, ...PATHS]) {
      const url = path === undefined ? undefined : `${engine.url}${path}`
      const cost = await logLines(LINES, 0, url)
      expect(cost.lost).toBe(0)
      const name = path ?? 'file only'
      costs.set(name, [...(costs.get(name) ?? []), cost])
    }
  }
  const shipped = ROUNDS * PATHS.length * LINES
  const query = '_msg:="http.request"'
  await until('all lines', async () => (await countLines(engine.url, query)) >= shipped)
  expect(await countLines(engine.url, query)).toBe(shipped)
  for (const [name, of] of costs) {
    const perLine = quartiles(of.map(({ cpuMs }) => (cpuMs / LINES) * 1_000))
    const perSecond = quartiles(of.map(({ wallMs }) => LINES / wallMs))
    console.log(`${name}: processor time per line ${perLine} µs; ${perSecond} thousand lines per second (quartiles)`)
  }
}, 300_000)

test('time from a logging call until the line is found', async (context) => {
  const engine = await startBackend(victoriaLogs, built(context))
  for (const path of PATHS) {
    const shipper = new LogShipper({ url: `${engine.url}${path}` })
    const log = createLogger({ service: 'probe', stdout: false, sink: shipper })
    const waits: number[] = []
    for (let n = 0; n < 15; n += 1) {
      const startedMs = performance.now()
      log.info({ probe: `${path} ${n}` }, 'probe')
      const query = `probe:=${JSON.stringify(`${path} ${n}`)}`
      await until(query, async () => (await countLines(engine.url, query)) === 1)
      waits.push((performance.now() - startedMs) / 1_000)
    }
    console.log(`${path}: from the logging call to the query ${quartiles(waits)} s (quartiles)`)
  }
}, 120_000)

test('kill -9 of VictoriaLogs loses what it confirmed and did not yet write to the disk', async (context) => {
  const engine = await startBackend(victoriaLogs, built(context))
  const count = 20_000
  const perSecond = 1_000
  const shipping = logLines(count, perSecond, `${engine.url}/insert/jsonline`)
  await until(
    'three quarters of the lines',
    async () => (await countLines(engine.url, 'http.request')) > (count * 3) / 4,
    60_000,
  )
  await engine.stop('SIGKILL')
  await engine.startAgain()
  expect(await shipping).toMatchObject({ lost: 0 })
  const query = '_msg:="http.request"'
  // The last lines are visible within a second or two.
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const found = await countLines(engine.url, query)
  console.log(`kill -9 at ${perSecond} lines per second: ${count - found} of ${count} lines are missing`)
  expect(count - found).toBeLessThan(perSecond * 8)
}, 120_000)
