// The page of a cluster of VictoriaLogs, in Chromium: what it says while storage nodes or the engine do not answer.
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDashboard } from '../../packages/dashboard/src/server/server.ts'
import { VictoriaLogs } from '../../packages/dashboard/src/victoria-logs/victoria-logs.ts'
import { findings, fitsWidth } from '../page/helpers/axe.ts'
import { isSkipped, open } from '../page/helpers/browser.ts'
import { freePorts } from '../shop/helpers/processes.ts'
import { victoriaLogs } from './helpers/backends.ts'
import { engineLines, insertLines } from './helpers/engine-lines.ts'
import { goProgram } from './helpers/go-build.ts'
import { removeBackends, startBackend } from './helpers/running-backend.ts'

let program: string | undefined
beforeAll(async () => {
  if (!isSkipped) program = await goProgram(victoriaLogs)
}, victoriaLogs.buildMsMax + 20_000)
afterAll(removeBackends)

test.skipIf(isSkipped)(
  'says what is missing in both languages, and goes on when it is back',
  { timeout: 120_000 },
  async ({ skip }) => {
    const path = program ?? skip('VictoriaLogs is not built')
    const [first, second] = [await startBackend(victoriaLogs, path), await startBackend(victoriaLogs, path)]
    const [, address = ''] = [first, second].map(({ url }) => url.replace('http://', ''))
    const args = (port: number): readonly string[] => [
      `-storageNode=${first.url.replace('http://', '')},${address}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=PANIC',
    ]
    const front = await startBackend({ ...victoriaLogs, args }, path)
    const to = Date.now()
    for (const batch of engineLines(1_000, to - 300_000, to)) await insertLines(front.url, batch)
    await fetch(`${front.url}/internal/force_flush`)
    const source = new VictoriaLogs({ url: front.url, headers: {} })
    await source.connect()
    const [port] = (await freePorts(1)) as [number]
    const server = await createDashboard(source, port)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')

    const spanish = await open(`http://localhost:${port}`, {})
    const english = await open(`http://localhost:${port}`, { width: 390, colorScheme: 'dark', locale: 'en-GB' })
    const pages = [spanish, english]
    for (const { page } of pages) {
      await page.locator('.engine-limits').waitFor()
      expect(await page.locator('.engine').count()).toBe(0)
      await page.locator('#routes, .tables').first().waitFor()
    }
    await spanish.page.locator('.engine-limits summary').click()
    await spanish.page.getByText('Qué líneas no se reconocieron').waitFor()

    await second.stop()
    await spanish.page.getByText(`Faltan líneas: el nodo de almacenamiento ${address} no responde.`).waitFor()
    await english.page.getByText(`Lines are missing: the storage node ${address} does not answer.`).waitFor()
    for (const { page } of pages) {
      expect(await findings(page)).toEqual([])
      expect(await fitsWidth(page)).toBe(true)
    }

    await first.stop()
    await spanish.page.getByText('VictoriaLogs no responde.').waitFor()
    await english.page.getByText('VictoriaLogs does not answer.').waitFor()
    for (const { page } of pages) expect(await findings(page)).toEqual([])

    await first.startAgain()
    await second.startAgain()
    for (const { page, problems, close } of pages) {
      await page.locator('.engine').waitFor({ state: 'detached' })
      expect(problems).toEqual([])
      await close()
    }
    await new Promise((resolve) => server.close(resolve))
  },
)
