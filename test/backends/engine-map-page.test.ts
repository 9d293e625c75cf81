// The map on the page of a real VictoriaLogs, in Chromium: of all requests of a range, and of a sample.
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDashboard } from '../../packages/dashboard/src/server/server.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { findings, fitsWidth } from '../page/helpers/axe.ts'
import { isSkipped, open } from '../page/helpers/browser.ts'
import { writeCalls } from '../page/helpers/calls.ts'
import { layoutFaults } from '../page/helpers/layout.ts'
import { freePorts } from '../shop/helpers/processes.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { engineLines, insertLines } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { type RunningBackend, removeBackends, startBackend } from './helpers/running-backend.ts'

let program: string | undefined
const servers: Server[] = []
beforeAll(async () => {
  if (!isSkipped) program = await goProgram(victoriaLogs)
}, victoriaLogs.buildMsMax + 20_000)
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await removeBackends()
})

/** Returns the address of a proxy before an engine that refuses the question for the map. */
async function withoutMap(engine: string): Promise<string> {
  const proxy = createServer(async (request, response) => {
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
    if (body.get('query')?.includes('| fields _time, ')) response.writeHead(503).end('no maps today')
    else response.end(await (await fetch(engine + request.url, { method: 'POST', body })).text())
  })
  servers.push(proxy)
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

/** Serves the page of an engine with these lines. */
async function serve(
  lines: Iterable<string>,
  addressOf = async (engine: string): Promise<string> => engine,
): Promise<{ readonly url: string; readonly engine: RunningBackend }> {
  const engine = await startBackend(victoriaLogs, program as string)
  for (const batch of lines) await insertLines(engine.url, batch)
  await fetch(`${engine.url}/internal/force_flush`)
  const source = new VictoriaLogs({ url: await addressOf(engine.url), headers: {} })
  await source.connect()
  const [port] = (await freePorts(1)) as [number]
  const server = await createDashboard(source, port)
  servers.push(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://localhost:${port}`, engine }
}

test.skipIf(isSkipped)('draws the calls of the range as those of files', { timeout: 60_000 }, async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const folder = await mkdtemp(join(tmpdir(), 'escudo-map-page-'))
  await writeCalls(folder)
  const { url } = await serve([await readFile(join(folder, 'all.jsonl'), 'utf8')])
  await rm(folder, { recursive: true })
  const { page, problems, close } = await open(url, { width: 1440, locale: 'en-GB' })
  await page.locator('#map').scrollIntoViewIfNeeded()
  await page.locator('.map-node', { hasText: 'stock, failing' }).waitFor()
  expect(await page.locator('.map-frame .map-line').count()).toBe(8)
  expect(await page.locator('.map-frame .map-line.failing').count()).toBe(1)
  expect(await page.locator('.map-label.open').textContent()).toMatch(/^✕ \d\d\u00a0%.*⊘/)
  await page.getByText('Calls by the last one or two minutes of the range.').waitFor()
  expect(await page.locator('.map-about').count()).toBe(0)
  expect(await findings(page)).toEqual([])
  expect(await layoutFaults(page)).toEqual([])
  expect(problems).toEqual([])
  await close()
})

test.skipIf(isSkipped)(
  'says that a map is a sample, and why there is no newer one, in both languages',
  { timeout: 120_000 },
  async ({ skip }) => {
    if (program === undefined) skip('VictoriaLogs is not built')
    const to = Date.now()
    const { url, engine } = await serve(engineLines(15_000, to - 120_000, to))
    const opened = [
      await open(url, { width: 1440 }),
      await open(url, { width: 390, colorScheme: 'dark', locale: 'en-GB' }),
    ] as const
    const texts = [
      [
        /Una muestra: este mapa sale de las 20\.000 solicitudes .* de [\d:]+ a [\d:]+\./,
        'No hay un mapa más reciente:',
      ],
      [
        /A sample: this map is made from the newest 20,000 requests .* from [\d:]+ to [\d:]+\./,
        'There is no newer map:',
      ],
    ] as const
    for (const [index, { page }] of opened.entries()) {
      await page.locator('#map').scrollIntoViewIfNeeded()
      await page.locator('.map-about', { hasText: texts[index]?.[0] as RegExp }).waitFor()
      expect(await page.locator('.map-frame .map-line').count()).toBeGreaterThan(0)
      expect(await findings(page)).toEqual([])
      expect(await fitsWidth(page)).toBe(true)
    }
    await engine.stop()
    for (const [index, { page }] of opened.entries()) {
      await page.locator('.map-about', { hasText: texts[index]?.[1] as string }).waitFor()
      // What it showed before is still there.
      expect(await page.locator('.map-frame .map-line').count()).toBeGreaterThan(0)
      expect(await findings(page)).toEqual([])
      expect(await fitsWidth(page)).toBe(true)
    }
    await engine.startAgain()
    for (const { page, problems, close } of opened) {
      await page.getByText(/mapa más reciente:|no newer map:/).waitFor({ state: 'detached' })
      expect(problems).toEqual([])
      await close()
    }
  },
)

test.skipIf(isSkipped)('says why there is no map, beside all figures', { timeout: 60_000 }, async ({ skip }) => {
  if (program === undefined) skip('VictoriaLogs is not built')
  const to = Date.now()
  const { url } = await serve(engineLines(100, to - 60_000, to), withoutMap)
  const { page, problems, close } = await open(url, { locale: 'en-GB' })
  await page.locator('#map').scrollIntoViewIfNeeded()
  await page.locator('.map-about', { hasText: /There is no newer map: .* is busy \(503\): no maps today/ }).waitFor()
  expect(await page.locator('#map').textContent()).not.toContain('No line tells who calls whom')
  expect(await page.locator('.engine').count()).toBe(0)
  expect(await page.locator('.tables').first().textContent()).toContain('inventory')
  expect(await findings(page)).toEqual([])
  expect(problems).toEqual([])
  await close()
})
