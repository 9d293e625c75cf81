import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startScript, until } from '../shop/helpers/processes.ts'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

const WILD = 'packages/dashboard/src/lines/test/wild'
const HOSTILE = '<img src=x onerror="window.hacked=1">'

let dashboard: Dashboard
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await dashboard?.remove()
})

/** Returns the time of an access log, in UTC. */
function accessTime(at: Date): string {
  const [, day, month, year, time] = at.toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}

function traceLines(): string {
  const now = Date.now()
  const line = (ago: number, fields: object): string =>
    requestLine({ timestamp: new Date(now - ago).toISOString(), trace_id: 'trace-1', ...fields })
  const stock = { service: 'inventory', path: '/stock', parent_span_id: 'a', latency_ms: 40 }
  return [
    line(150, { ...stock, span_id: 'b', status_code: 503 }),
    line(140, {
      service: 'shop',
      span_id: 'a',
      event: 'retry.attempt',
      attempt: 1,
      status_code: undefined,
      log_level: 'warning',
    }),
    line(80, { ...stock, span_id: 'c' }),
    line(0, { service: 'shop', span_id: 'a', latency_ms: 200, path: '/potions' }),
  ].join('')
}

describe.skipIf(isSkipped)('the drawer', () => {
  it('opens by its URL: spans with parents, retries and bars, then all lines in order', async () => {
    dashboard = await startDashboard((log) => writeFile(log, traceLines()))
    opened = await open(`${dashboard.url}?lang=en&trace=trace-1`)
    const { page, problems } = opened
    const drawer = page.getByRole('dialog', { name: 'Trace' })
    await drawer.locator('.span-row').first().waitFor()
    const spans = (await drawer.locator('.span-row').allTextContents()).map((text) => text.replace(/\s+/g, ' '))
    expect(spans).toEqual([
      'shop GET /potions200200 ms',
      '└ level 1: inventory GET /stock50340 ms',
      '└ level 1: inventory GET /stock↻ retry 120040 ms',
    ])
    const heads = await drawer.locator('.line-head').allTextContents()
    expect(heads[1]).toMatch(/\+60\u00a0ms.*shop.*▲ warning.*retry\.attempt.*↻ attempt 1/)
    // The lines of one span, and all again.
    await drawer.locator('.span-row').nth(2).click()
    expect(await drawer.locator('.line-head').count()).toBe(1)
    await drawer.getByRole('button', { name: 'All lines' }).click()
    expect(await drawer.locator('.line-head').count()).toBe(4)
    expect(await findings(page)).toEqual([])
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    // The browser tells the test of a changed URL a moment later.
    await expect.poll(() => new URL(page.url()).searchParams.has('trace')).toBe(false)
    expect(problems).toEqual([])
  })

  it('shows a line of nginx with its fields and its text, and makes a filter of a field', async () => {
    const time = accessTime(new Date())
    const access = (path: string, client: string): string =>
      `${client} - - [${time}] "GET ${path} HTTP/1.1" 502 157 "-" "curl/8.5.0 ${HOSTILE.replaceAll('"', "'")}"\n`
    dashboard = await startDashboard((log) => writeFile(log, access('/a', '10.0.0.1') + access('/b', '10.0.0.2')))
    opened = await open(`${dashboard.url}?lang=en`, { width: 390, colorScheme: 'dark' })
    const { page, problems } = opened
    await page.locator('#tail button', { hasText: '/a' }).click()
    const drawer = page.getByRole('dialog', { name: 'Line' })
    await drawer.getByText('This line has no trace id.').waitFor()
    expect(await drawer.locator('.raw').textContent()).toBe(access('/a', '10.0.0.1').trim())
    expect(await findings(page)).toEqual([])
    expect(await fitsWidth(page)).toBe(true)
    await drawer.getByRole('button', { name: 'Filter by remote_addr: 10.0.0.1' }).click()
    await drawer.waitFor({ state: 'hidden' })
    expect(await page.locator('#filter').inputValue()).toBe('remote_addr:10.0.0.1')
    await expect.poll(() => page.locator('#tail li').count()).toBe(1)
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('filter')
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(problems).toEqual([])
  })

  it('gives the focus back to the row that opened it, although newer lines arrived', async () => {
    dashboard = await startDashboard((log) => writeFile(log, requestLine({ path: '/old', trace_id: undefined })))
    opened = await open(`${dashboard.url}?lang=en`)
    const { page } = opened
    await page.locator('#tail button', { hasText: '/old' }).click()
    await page.locator('.raw').waitFor()
    await page.mouse.move(0, 0)
    await writeFile(dashboard.log, requestLine({ path: '/new' }).repeat(400), { flag: 'a' })
    await page.locator('[data-tile="requests"]', { hasText: '401' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.textContent')).toContain('/old')
  })

  it('shows a trace of 1,000 lines in parts', async () => {
    const lines = Array.from({ length: 1_000 }, (_, at) =>
      requestLine({ trace_id: 'long', span_id: `s${at}`, parent_span_id: `s${Math.floor((at - 1) / 3)}` }),
    )
    dashboard = await startDashboard((log) => writeFile(log, lines.join('')))
    opened = await open(`${dashboard.url}?lang=en&trace=long`)
    const { page } = opened
    const drawer = page.getByRole('dialog')
    await drawer.getByText('1,000 lines · 1 service').waitFor()
    expect(await drawer.locator('.span-row').count()).toBe(30)
    expect(await drawer.locator('.line-head').count()).toBe(100)
    expect(Number(await page.evaluate('document.querySelectorAll(".drawer *").length'))).toBeLessThan(3_000)
    expect(await findings(page)).toEqual([])
    await drawer.getByRole('button', { name: 'Show 900 more' }).click()
    await expect.poll(() => drawer.locator('.line-head').count()).toBe(300)
    await drawer.getByRole('button', { name: 'Show 970 more' }).click()
    await expect.poll(() => drawer.locator('.span-row').count()).toBe(90)
  })

  it('says that a trace is not found, and that the dashboard does not answer', async () => {
    dashboard = await startDashboard((log) => writeFile(log, requestLine()))
    opened = await open(`${dashboard.url}?lang=en&trace=no-such-trace`)
    const { page } = opened
    await page.getByRole('alert').getByText('Its lines were not found').waitFor()
    expect(await findings(page)).toEqual([])
    dashboard.process.send('SIGTERM')
    await page.getByText('The dashboard cannot be reached').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Try again now' }).click()
    await page.getByText('The dashboard did not answer.').waitFor()
  })

  it('shows the text of every line in any format', { timeout: 90_000 }, async () => {
    dashboard = await startDashboard()
    const folder = join(dirname(dashboard.log), 'wild')
    const names = (await readdir(WILD)).filter((name) => name.endsWith('.log'))
    const port = dashboard.port + 1
    await mkdir(folder)
    for (const name of names) await copyFile(join(WILD, name), join(folder, name))
    const process = startScript('packages/dashboard/src/bin.ts', ['--port', String(port), folder], {})
    await until('the dashboard', () => process.stdout().includes('http://'))
    opened = await open(`http://localhost:${port}/?lang=en`)
    const { page, problems } = opened
    await page.locator('#tail button').first().waitFor()
    const seen = new Set<string>()
    const rows = await page.locator('#tail button').count()
    expect(rows).toBeGreaterThanOrEqual(names.length)
    for (let row = 0; row < rows; row += 1) {
      await page.locator('#tail button').nth(row).click()
      const details = page.locator('.trace-lines details')
      await details.first().waitFor()
      for (let at = 0; at < (await details.count()); at += 1) {
        if ((await details.nth(at).getAttribute('open')) === null) await details.nth(at).locator('summary').click()
        const title = (await details.nth(at).locator('.raw-title').textContent()) ?? ''
        const file = title.slice(title.lastIndexOf('· ') + 2)
        const raw = (await details.nth(at).locator('.raw').textContent()) ?? ''
        for (const part of raw.split('\n')) expect(await readFile(file, 'utf8')).toContain(part)
        seen.add(basename(file))
      }
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    }
    expect([...seen].sort()).toEqual(names.sort())
    expect(problems).toEqual([])
    await rm(folder, { recursive: true })
  })
})
