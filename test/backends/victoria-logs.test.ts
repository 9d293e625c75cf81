// The shop under load ships its lines to a real VictoriaLogs, which restarts in the middle.
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { readLog } from '../shop/helpers/logs.ts'
import { until } from '../shop/helpers/processes.ts'
import { ask } from '../shop/helpers/requests.ts'
import { type Services, services } from '../shop/helpers/services.ts'
import { traceOf } from '../shop/helpers/shop.ts'
import { cleanUp } from '../shop/helpers/system.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { goProgram } from './helpers/go-build.ts'
import { countLines, queryLines } from './helpers/log-query.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

const SERVICES = ['inventory-service', 'product-service', 'potion-shop'] as const
const PATHS = ['/product-details/mana-potion', '/items/item1', '/items/nada', '/no-such-route']
/** How long the load lasts before, during and after the restart. */
const LOAD_MS = 1_000

let program: string | undefined
beforeAll(async () => {
  program = await goProgram(victoriaLogs)
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  await cleanUp()
  await removeBackends()
})

function built({ skip }: TestContext): string {
  return program ?? skip('VictoriaLogs is not built')
}

async function startServices(engine: string): Promise<{ readonly all: Services; readonly stop: () => Promise<void> }> {
  const all = await services({ ESCUDO_LOG_ENGINE: engine })
  const running = await Promise.all(SERVICES.map(all.start))
  const stop = async (): Promise<void> => {
    for (const { send, exit } of running.toReversed()) {
      send('SIGTERM')
      expect(await exit).toEqual({ code: 0, signal: null })
    }
  }
  return { all, stop }
}

/** Sends requests on four connections until the returned function is called. */
function startLoad(all: Services): () => Promise<number> {
  let isRunning = true
  let count = 0
  const clients = PATHS.map(async (path) => {
    while (isRunning) {
      await ask(all, 'potion-shop', path)
      count += 1
    }
  })
  return async () => {
    isRunning = false
    await Promise.all(clients)
    return count
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOAD_MS))

/** What identifies a line, in a file and in the engine. The engine writes a time without its last zeros. */
function keyOf(line: Readonly<Record<string, unknown>>): string {
  const [at, event] = [line['_time'] ?? line['timestamp'], line['_msg'] ?? line['event']]
  return [Date.parse(String(at)), line['service'], event, line['trace_id'], line['span_id'], line['path']].join(' ')
}

/** The lines that are not as often in `others`. */
function missingIn(others: readonly string[], lines: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1)
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0
    counts.set(line, count - 1)
    return count <= 0
  })
}

async function linesOfFiles(all: Services): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await Promise.all(SERVICES.map((name) => readLog(all, name)))).flat()
}

describe.each(['/insert/jsonline', '/insert/loki/api/v1/push'])('%s', (path) => {
  test('loses no line of the shop while the engine restarts, and finds a request by its trace id', async (context) => {
    const engine = await startBackend(victoriaLogs, built(context))
    const { all, stop } = await startServices(`${engine.url}${path}`)
    const endLoad = startLoad(all)
    await pause()
    await engine.stop()
    await pause()
    await engine.startAgain()
    await pause()
    const answer = await ask(all, 'potion-shop', '/product-details/mana-potion')
    const requests = (await endLoad()) + 1
    await stop()

    const written = await linesOfFiles(all)
    expect(written.length).toBeGreaterThan(requests)
    // What is missing after that is named below.
    await until('all lines', async () => (await countLines(engine.url, '*')) >= written.length).catch(() => {})
    const found = (await queryLines(engine.url, '*')).map(keyOf)
    const keys = written.map(keyOf)
    expect({ lost: missingIn(found, keys), twice: missingIn(keys, found) }).toEqual({ lost: [], twice: [] })

    // The dashboard counts in the engine what the services wrote.
    const dashboard = new VictoriaLogs({ url: engine.url, headers: {} })
    await dashboard.connect()
    const totals = await dashboard.totals(undefined)
    const ofFiles = written.filter(({ event }) => event === 'http.request')
    const failed = ofFiles.filter(({ status_code }) => Number(status_code) >= 500)
    expect([totals.lines.read, totals.requests, totals.server_errors]).toEqual([
      written.length,
      ofFiles.length,
      failed.length,
    ])
    expect(totals.hops.requests).toBeGreaterThan(0)

    const trace = traceOf(answer)
    const ofTrace = await queryLines(engine.url, `trace_id:=${JSON.stringify(trace)} | sort by (_time)`)
    expect(ofTrace.map(({ service, _msg }) => `${service} ${_msg}`).sort()).toEqual([
      'inventory-service http.request',
      'potion-shop http.request',
      'product-service http.request',
    ])
    const [shopLine] = await queryLines(engine.url, `{service="potion-shop"} trace_id:=${JSON.stringify(trace)}`)
    const inFile = written.find((line) => line['trace_id'] === trace && line['service'] === 'potion-shop')
    for (const [name, value] of Object.entries(inFile ?? {})) {
      if (!['event', 'timestamp'].includes(name)) expect([name, shopLine?.[name]]).toEqual([name, String(value)])
    }
    expect(Date.parse(String(shopLine?.['_time']))).toBe(Date.parse(String(inFile?.['timestamp'])))
    console.log(`${path}: ${requests} requests, ${written.length} lines in the files and in VictoriaLogs`)
  }, 60_000)
})
