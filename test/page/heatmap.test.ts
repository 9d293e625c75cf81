import { appendFile, writeFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askPort } from '../shop/helpers/requests.ts'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'
import { layoutFaults } from './helpers/layout.ts'

let dashboard: Dashboard
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await dashboard?.remove()
})

/** Ten requests every five seconds: eight take about 5 ms, one takes 300 ms, one takes no time. */
async function writeLatencies(log: string): Promise<void> {
  const lines: string[] = []
  // Aligned, so that each column has all ten.
  const now = Math.floor(Date.now() / 5_000) * 5_000
  for (let ago = 600; ago > 0; ago -= 5)
    for (let at = 0; at < 10; at += 1)
      lines.push(
        requestLine({
          timestamp: new Date(now - ago * 1_000 + at).toISOString(),
          path: at === 9 ? '/slow' : '/items',
          latency_ms: at === 9 ? 300 : at === 8 ? 0 : 5,
        }),
      )
  await writeFile(log, lines.join(''))
}

const note = (page: Page) => page.locator('.heat-note')
const said = (page: Page) => page.locator('.figure:has(.heat) [role=status]')

describe.skipIf(isSkipped)('the heatmap of latencies', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    dashboard = await startDashboard(writeLatencies)
  })

  it('is chosen by a switch, kept in the URL, and tells range, count and share by keyboard and pointer', async () => {
    opened = await open(`${dashboard.url}?lang=en`, { width: 1440 })
    const { page, problems } = opened
    await page.getByRole('button', { name: 'heatmap', exact: true }).click()
    const heat = page.getByRole('application', { name: /^Latency heatmap: 1,200 requests with a latency/ })
    await heat.waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.get('latency')).toBe('heatmap')
    await page.reload()
    await heat.waitFor()
    // While it is read, nothing may move: no line comes any more.
    await page.getByRole('button', { name: 'heatmap', exact: true }).focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await expect.poll(() => page.evaluate('document.activeElement.className')).toBe('heat')
    await expect
      .poll(() => said(page).textContent())
      .toMatch(/4\.\d+\u00a0ms to \d\.\d+\u00a0ms, 8 requests, 80\u00a0% of 10/)
    expect(await note(page).textContent()).toMatch(/8 requests · 80\u00a0% of 10 in this column/)
    const newest = (await said(page).textContent()) ?? ''
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => said(page).textContent()).not.toBe(newest)
    await page.keyboard.press('ArrowUp')
    await expect.poll(() => said(page).textContent()).toContain('0 requests')
    for (let row = 0; row < 20; row += 1) await page.keyboard.press('ArrowDown')
    await expect.poll(() => said(page).textContent()).toContain('less than 1 µs, 1 request, 10\u00a0% of 10')
    const over = page.locator('.heat .u-over')
    const { width = 0, height = 0 } = (await over.boundingBox()) ?? {}
    await over.hover({ position: { x: width * 0.7, y: height - 3 } })
    await expect.poll(() => note(page).textContent()).toContain('1 request · 10\u00a0% of 10')
    // The other charts show the same moment.
    await page.locator('.plot-frame:has([data-chart="requests"]) .readout').waitFor()
    expect(await page.locator('.heat-legend').textContent()).toBe('requests per cell: 1 2–4 5 or more')
    expect(await findings(page)).toEqual([])
    expect(problems).toEqual([])
  })

  it('is about what is chosen, follows new lines, and has a table, in Spanish, dark, at 390 pixels', async () => {
    opened = await open(`${dashboard.url}?lang=es&latency=heatmap&route=%2Fslow`, { width: 390, colorScheme: 'dark' })
    const { page, problems } = opened
    await page.getByRole('application', { name: /: 120 peticiones con latencia/ }).waitFor()
    await appendFile(dashboard.log, requestLine({ path: '/slow', latency_ms: 9_000 }).repeat(3))
    await page.getByRole('application', { name: /: 123 peticiones con latencia/ }).waitFor({ timeout: 3_000 })
    expect(await findings(page)).toEqual([])
    expect(await layoutFaults(page)).toEqual([])
    await page.keyboard.press('t')
    const whole = page.locator('[data-table="heat"] tbody tr').first()
    expect(await whole.textContent()).toMatch(
      /^Todo el rango123de \d+\u00a0ms a \d+\u00a0ms: 120 \(97,6\u00a0%\)de [\d,]+\u00a0s a [\d,]+\u00a0s: 3 \(2,44\u00a0%\)$/,
    )
    expect(await page.locator('[data-table="heat"] tbody tr').count()).toBeGreaterThan(100)
    expect(await findings(page)).toEqual([])
    expect(await layoutFaults(page)).toEqual([])
    expect(problems).toEqual([])
    const { json } = await askPort(dashboard.port, '/api/heatmap?range=900&route=%2Fslow')
    expect(json).toMatchObject({ step_ms: 5_000, total: 123, bands: [{ count: 120 }, { count: 3 }] })
    expect((await askPort(dashboard.port, '/api/heatmap?range=7')).status).toBe(400)
  })

  it('says why it is empty, zooms by a drag, and offers to load again what could not be loaded', async () => {
    const past = 'from=2026-01-01T10:00:00.000Z&to=2026-01-01T11:00:00.000Z'
    opened = await open('about:blank')
    const { page } = opened
    await page.route('**/page-heat.js', (route) => route.abort())
    await page.goto(`${dashboard.url}?lang=en&latency=heatmap&${past}`)
    const failed = page.getByRole('alert').filter({ hasText: 'The dashboard did not answer.' })
    await failed.waitFor()
    await page.unroute('**/page-heat.js')
    await failed.getByRole('button').click()
    await page.locator('.drawn:has(.heat) .empty').getByText('There are no requests in this range.').waitFor()
    await page.getByRole('button', { name: 'Reset the range' }).first().click()
    const over = page.locator('.heat .u-over')
    await page.getByRole('application', { name: /1,200 requests/ }).waitFor()
    const box = await over.boundingBox()
    if (box === null) throw new Error('no heatmap')
    await page.mouse.move(box.x + box.width * 0.6, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.8, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => new URL(page.url()).searchParams.has('from')).toBe(true)
  })
})
