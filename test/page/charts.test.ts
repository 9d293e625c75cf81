import { writeFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

let dashboard: Dashboard
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await dashboard?.remove()
})

const SECOND = 1_000

/** Writes a request each second of the last ten minutes, with a pause of two minutes in the middle. */
async function writeTenMinutes(log: string): Promise<void> {
  const now = Date.now()
  const lines: string[] = []
  for (let ago = 600; ago > 0; ago -= 1) {
    if (ago > 240 && ago < 360) continue
    const timestamp = new Date(now - ago * SECOND).toISOString()
    lines.push(
      requestLine({ timestamp, status_code: ago % 10 === 0 ? 503 : ago % 7 === 0 ? 404 : 200, latency_ms: ago }),
    )
  }
  await writeFile(log, lines.join(''))
}

function chart(page: Page, name: string) {
  return page.locator(`[data-chart="${name}"] .u-over`)
}

async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await chart(page, 'requests').boundingBox()
  if (box === null) throw new Error('no chart')
  await page.mouse.move(box.x + box.width * from, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * ((from + to) / 2), box.y + 50, { steps: 4 })
  await page.mouse.move(box.x + box.width * to, box.y + 50, { steps: 4 })
  await page.mouse.up()
}

const search = (page: Page): URLSearchParams => new URL(page.url()).searchParams

describe.skipIf(isSkipped)('the charts', () => {
  beforeEach(async () => {
    dashboard = await startDashboard(writeTenMinutes)
    opened = await open(`${dashboard.url}?lang=en`)
    await opened.page.locator('[data-tile="requests"]', { hasText: '481' }).waitFor()
  })

  it('show values with units under the pointer, at the same moment in all of them', async () => {
    const { page, problems } = opened as Opened
    const box = await chart(page, 'requests').boundingBox()
    await chart(page, 'requests').hover({ position: { x: (box?.width ?? 0) * 0.85, y: 50 } })
    const readouts = page.locator('.readout')
    await expect.poll(() => readouts.count()).toBe(2)
    const texts = await readouts.allTextContents()
    expect(texts[0]).toMatch(/^\d\d:\d\d:\d\d.*good \(up to 399\)\d+\/min/)
    expect(texts[1]).toMatch(/^\d\d:\d\d:\d\d.*mean[\d.]+\u00a0m?s/)
    expect(texts[0]?.slice(0, 8)).toBe(texts[1]?.slice(0, 8))
    await page.locator('h1').hover()
    await expect.poll(() => readouts.count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('zoom by a drag, keep the range in the URL, count per second below a minute, and reset', async () => {
    const { page } = opened as Opened
    await drag(page, 0.95, 0.99)
    await page.getByRole('button', { name: 'Reset the range' }).waitFor()
    const [from, to] = ['from', 'to'].map((name) => Date.parse(search(page).get(name) ?? ''))
    expect((to ?? 0) - (from ?? 0)).toBeLessThan(60 * SECOND)
    await page.getByText('per second', { exact: true }).waitFor()
    await chart(page, 'requests').hover({ position: { x: 100, y: 50 } })
    await page.locator('.readout', { hasText: /\d\/s/ }).first().waitFor()
    await page.reload()
    await page.getByText('per second', { exact: true }).waitFor()
    await expect.poll(() => search(page).get('from')).toBe(new Date(from ?? 0).toISOString())
    await page.getByRole('button', { name: 'Reset the range' }).click()
    await page.getByText('per minute', { exact: true }).waitFor()
    await expect.poll(() => search(page).has('from')).toBe(false)
  })

  it('zoom and move by keyboard and by buttons, also while the page is paused', async () => {
    const { page } = opened as Opened
    await page.keyboard.press('Space')
    await page.locator('.live.paused').waitFor()
    await page.keyboard.press('+')
    await expect.poll(() => search(page).has('from')).toBe(true)
    const first = search(page).get('from')
    await page.keyboard.press('[')
    await expect.poll(() => search(page).get('from') ?? '').not.toBe(first)
    const tile = page.locator('[data-tile="requests"]')
    await expect.poll(() => tile.textContent()).not.toBe('481')
    await page.getByRole('button', { name: 'Zoom out' }).click()
    await page.getByRole('button', { name: 'Later' }).click()
    await page.keyboard.press('0')
    await expect.poll(() => search(page).has('from')).toBe(false)
    await page.getByText('Paused: this is the state at').first().waitFor()
    await page.getByLabel('Range').selectOption('3600')
    await expect.poll(() => tile.textContent()).toBe('481')
  })

  it('show status codes and a logarithmic axis on switches that the URL keeps', async () => {
    const { page, problems } = opened as Opened
    await page.getByRole('button', { name: 'code', exact: true }).click()
    await page.getByRole('button', { name: 'log', exact: true }).click()
    await expect.poll(() => search(page).get('by')).toBe('code')
    await expect.poll(() => search(page).get('axis')).toBe('log')
    await page.reload()
    await page.getByRole('heading', { name: 'Requests by status code per minute' }).waitFor()
    const legend = await page.locator('.charts .figure').first().locator('.legend li').allTextContents()
    expect(legend.slice(0, 3).map((text) => text.trim())).toEqual(['200', '404', '503'])
    expect(legend[3]).toContain('unfinished')
    expect(await findings(page)).toEqual([])
    expect(problems).toEqual([])
  })

  it('each have a table with the same values, which the key t shows and announces', async () => {
    const { page } = opened as Opened
    await page.keyboard.press('t')
    await page.getByRole('status').getByText('Tables are shown.').waitFor({ state: 'attached' })
    const requests = page.locator('[data-table="requests-chart"]')
    expect(await requests.locator('thead th').allTextContents()).toEqual([
      ...['Time', 'good (up to 399)', 'client (4xx)', 'server (5xx)'],
    ])
    expect(await requests.locator('tbody tr').nth(3).textContent()).toMatch(/^\d\d:\d\d:\d\d(?:\d+\/min){3}$/)
    expect(await page.locator('[data-table="latency-chart"] thead th').allTextContents()).toEqual([
      ...['Time', 'mean', 'p99', 'p95', 'p50'],
    ])
    // The pause has no rows, as it has no bars.
    expect(await requests.locator('tbody tr').count()).toBeLessThan(105)
    expect(await findings(page)).toEqual([])
    await page.keyboard.press('t')
    await page.getByRole('status').getByText('Charts are shown.').waitFor({ state: 'attached' })
  })
})

describe.skipIf(isSkipped)('the charts of a log without what they show', () => {
  it('say that a range is empty, and offer another one', async () => {
    dashboard = await startDashboard(writeTenMinutes)
    const past = 'from=2026-01-01T10:00:00.000Z&to=2026-01-01T11:00:00.000Z'
    opened = await open(`${dashboard.url}?lang=en&${past}`, { width: 390, colorScheme: 'dark' })
    const { page } = opened
    await page.locator('.empty').first().getByText('There are no requests in this range.').waitFor()
    expect(await findings(page)).toEqual([])
    expect(await fitsWidth(page)).toBe(true)
    await page.locator('.empty').first().getByRole('button').click()
    await page.locator('[data-tile="requests"]', { hasText: '481' }).waitFor()
    expect(await page.locator('.empty').count()).toBe(0)
  })

  it('say what to declare if no request has a latency', async () => {
    dashboard = await startDashboard((log) => writeFile(log, requestLine({ latency_ms: undefined })))
    opened = await open(`${dashboard.url}?lang=en`)
    await opened.page.getByText('declare its field with --field latency=NAME:ms').waitFor()
  })

  it('ignore a range in the URL that is no range', async () => {
    dashboard = await startDashboard(writeTenMinutes)
    opened = await open(`${dashboard.url}?lang=en&from=soon&to=2026-01-01`)
    await opened.page.locator('[data-tile="requests"]', { hasText: '481' }).waitFor()
    expect(search(opened.page).has('from')).toBe(false)
  })
})
