import { writeFile } from 'node:fs/promises'
import type { Locator } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

const LINES = 1_500
let dashboard: Dashboard
let opened: Opened | undefined

/** One line a second up to now; every tenth one is a timeout, every other one has a trace. */
function lines(): string {
  const now = Date.now()
  const line = (index: number): string =>
    requestLine({
      timestamp: new Date(now - (LINES - index) * 1_000).toISOString(),
      service: index % 3 === 0 ? 'inventory' : 'shop',
      path: `/items/${index}`,
      ...(index % 2 === 0 ? { trace_id: `trace-${index}` } : {}),
      ...(index % 10 === 0 ? { status_code: 503, message: `Timeout <b>of</b> ${index}` } : {}),
    })
  return Array.from({ length: LINES }, (_, index) => line(index)).join('')
}

/** Whether a part of the page is within the window. */
async function isInView(part: Locator): Promise<boolean> {
  const box = await part.boundingBox()
  const height = part.page().viewportSize()?.height ?? 0
  return box !== null && box.y >= 0 && box.y + box.height <= height
}

beforeEach(async () => {
  if (!isSkipped) dashboard = await startDashboard((log) => writeFile(log, lines()))
})
afterEach(async () => {
  await opened?.close()
  opened = undefined
  if (!isSkipped) await dashboard.remove()
})

describe.skipIf(isSkipped)('the search over the history', () => {
  it('finds old lines with Enter, marks words, shows older ones, and is in the URL', async () => {
    opened = await open(`${dashboard.url}?lang=en`, { colorScheme: 'dark' })
    const { page, problems } = opened
    const filter = page.getByRole('searchbox', { name: 'Filter' })
    await filter.fill('timeout status:5xx')
    await filter.press('Enter')
    const rows = page.locator('#history li')
    await page.getByRole('button', { name: 'Find older lines' }).waitFor()
    expect(await rows.count()).toBe(100)
    expect(await rows.first().locator('.text').textContent()).toBe('GET /items/1490 Timeout <b>of</b> 1490')
    expect(await rows.first().locator('mark').allTextContents()).toEqual(['Timeout'])
    expect(await isInView(rows.nth(3))).toBe(true)
    expect(new URL(page.url()).searchParams.get('q')).toBe('timeout status:5xx')
    expect(await findings(page)).toEqual([])
    await page.getByRole('button', { name: 'Find older lines' }).click()
    await page.getByText('150 lines in the whole history, newest first.').waitFor()
    expect(await rows.last().locator('.text').textContent()).toContain('/items/0 ')
    // The arrow keys move between the lines, and a line opens.
    await rows.nth(3).locator('button').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Trace' }).getByText('trace-1450', { exact: true }).first().waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Trace' }).waitFor({ state: 'hidden' })
    expect(problems).toEqual([])
  })

  it('starts from the URL, says when nothing matches or a query makes no sense, and ends with Escape', async () => {
    opened = await open(`${dashboard.url}?lang=es&q=no-existe`, { width: 390 })
    const { page, problems } = opened
    await page.getByText('Ninguna línea del historial coincide.').waitFor()
    expect(await fitsWidth(page)).toBe(true)
    expect(await findings(page)).toEqual([])
    const filter = page.getByRole('searchbox', { name: 'Filtrar' })
    expect(await filter.inputValue()).toBe('no-existe')
    await filter.fill('latency:>mucho')
    await filter.press('Enter')
    expect(await page.getByRole('alert').textContent()).toContain('Falta un número')
    expect(await isInView(page.getByRole('alert'))).toBe(true)
    expect(await findings(page)).toEqual([])
    await filter.fill('"items/1491"')
    await filter.press('Enter')
    // A line without a trace is shown alone.
    await page.locator('#history button').first().click()
    await page.getByRole('dialog', { name: 'Línea' }).getByText('Esta línea no tiene id de traza.').waitFor()
    await page.keyboard.press('Escape')
    await filter.press('Escape')
    await page.getByRole('heading', { name: 'Líneas en vivo' }).waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.has('q')).toBe(false)
    expect(await filter.inputValue()).toBe('"items/1491"')
    expect(problems).toEqual([])
  })

  it('adds the chosen service, and ends its request when it is cancelled', async () => {
    opened = await open(`${dashboard.url}?lang=en&service=inventory`)
    const { page } = opened
    const filter = page.getByRole('searchbox', { name: 'Filter' })
    await page.route('**/api/search/stream*', () => new Promise<void>(() => {}))
    await filter.fill('timeout')
    await filter.press('Enter')
    await page.getByRole('progressbar').waitFor()
    expect(await filter.inputValue()).toBe('timeout service:inventory')
    expect(await findings(page)).toEqual([])
    const failed = page.waitForEvent('requestfailed')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await failed
    await page.getByText('Cancelled.').waitFor()
    await page.unroute('**/api/search/stream*')
    await page.getByRole('button', { name: 'Search again' }).click()
    await page.getByText('50 lines in the whole history').waitFor()
    await page.getByRole('button', { name: 'Back to the live tail' }).click()
    expect(await page.evaluate('document.activeElement.id')).toBe('filter')
  })
})
