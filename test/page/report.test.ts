import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, open } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { session } from './helpers/session.ts'

const CHANGE = { event: 'circuit_breaker.state_change', status_code: undefined, policy: 'breaker', shield: 'stock' }
const current = session()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-report-page-'))
  if (isSkipped) return
  const lines = Array.from({ length: 60 }, (_, index) => {
    const timestamp = new Date(Date.now() - (60 - index) * 1_000).toISOString()
    const failed = index > 40 ? { status_code: 503, error_code: 'DATABASE_DOWN', detail: 'no connection' } : {}
    return requestLine({ timestamp, latency_ms: 2 + (index % 7), ...failed })
  })
  await writeFile(current.dashboard.log, [...lines, requestLine({ ...CHANGE, from: 'closed', to: 'open' })].join(''))
})
afterEach(() => rm(folder, { recursive: true }))

describe.skipIf(isSkipped)('the report', () => {
  it('is downloaded from the page, and is read without a network, in two widths and schemes', async () => {
    const { page, problems } = await current.open('?lang=en')
    const links = page.getByRole('region', { name: 'Download what is shown' }).getByRole('link')
    await links.first().waitFor()
    expect(await links.allTextContents()).toEqual([
      'Report (HTML)',
      ...['requests', 'services', 'routes', 'errors', 'breakers'].map((name) => `CSV: ${name}`),
    ])
    const [download] = await Promise.all([page.waitForEvent('download'), links.first().click()])
    const path = join(folder, download.suggestedFilename())
    await download.saveAs(path)
    expect(problems).toEqual([])
    for (const [width, colorScheme] of [
      [1_280, 'light'],
      [390, 'dark'],
    ] as const) {
      const report = await open(pathToFileURL(path).href, { width, colorScheme })
      try {
        await report.page.getByText('shop has been failing since').waitFor()
        expect(await report.page.locator('svg.chart').count()).toBe(2)
        expect(await report.page.locator('svg.lane').count()).toBe(1)
        const colour = 'getComputedStyle(document.querySelector("rect.server")).fill'
        expect(await report.page.evaluate(colour)).not.toBe('rgb(0, 0, 0)')
        expect(await findings(report.page)).toEqual([])
        expect(await fitsWidth(report.page)).toBe(true)
        expect(report.problems).toEqual([])
        if (process.env['ESCUDO_SCREENSHOTS'] !== undefined)
          await report.page.screenshot({
            path: `${process.env['ESCUDO_SCREENSHOTS']}/report-${width}.png`,
            fullPage: true,
          })
      } finally {
        await report.close()
      }
    }
  })

  it('comes with its tables as CSV', async () => {
    const { page } = await current.open('?lang=es&range=300')
    const link = page.getByRole('link', { name: 'CSV: servicios' })
    await link.waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
    const path = join(folder, download.suggestedFilename())
    await download.saveAs(path)
    expect(path).toMatch(/escudo-services\.csv$/)
    expect(await readFile(path, 'utf8')).toMatch(/\r\nshop,failing,60,0,19,/)
  })
})
