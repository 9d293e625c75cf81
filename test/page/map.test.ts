import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import { askPort } from '../shop/helpers/requests.ts'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { LONG_NAME, MARKUP, writeCalls } from './helpers/calls.ts'
import { requestLine } from './helpers/dashboard.ts'
import { type FolderDashboard, startOnFolder } from './helpers/folder.ts'
import { layoutFaults } from './helpers/layout.ts'

let dashboard: FolderDashboard | undefined
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  await dashboard?.remove()
  opened = undefined
  dashboard = undefined
})

async function start(prepare: (folder: string) => Promise<void>, query: string, width = 1440): Promise<Page> {
  dashboard = await startOnFolder(prepare)
  opened = await open(`${dashboard.url}?${query}`, { width })
  await opened.page.locator('#map').scrollIntoViewIfNeeded()
  return opened.page
}

/** Where each service is in the drawing, by its name. */
async function boxes(page: Page): Promise<ReadonlyMap<string, { readonly x: number; readonly y: number }>> {
  const found = await page.evaluate(`[...document.querySelectorAll('.map-frame .map-node')].map((node) => {
    const { offsetLeft: x, offsetTop: y } = node
    return [node.querySelector('.map-name').lastChild.textContent, { x, y }]
  })`)
  return new Map(found as [string, { x: number; y: number }][])
}

describe.skipIf(isSkipped)('the service map', { timeout: 60_000 }, () => {
  it('shows who calls whom from left to right, what fails by more than colour, and breakers', async () => {
    const page = await start(writeCalls, 'lang=en')
    const { problems } = opened as Opened
    await page.locator('.map-node', { hasText: 'stock, failing' }).waitFor()
    const places = await boxes(page)
    const xOf = (name: string): number => places.get(name)?.x ?? Number.NaN
    expect(xOf('web')).toBeLessThan(xOf('shop'))
    expect(xOf('shop')).toBeLessThan(xOf('inventory'))
    expect(xOf('inventory')).toBeLessThan(xOf('stock'))
    expect([...places.keys()].sort()).toEqual(
      [...['web', 'shop', 'inventory', 'stock', 'mail'], LONG_NAME, MARKUP].sort(),
    )
    expect(await page.locator('.map-alone').textContent()).toContain('alone')
    const stock = page.locator('button.map-node', { hasText: 'stock' })
    expect(await stock.textContent()).toMatch(/^✕ stock, failing[\d.]+\/(?:s|min) \d\d\u00a0% 5xx p95 [\d.]+\u00a0ms$/)
    // A pattern and a sign, beside the colour.
    expect(await page.locator('.map-frame .map-line.failing').count()).toBe(1)
    expect(await page.locator('.map-label.open').textContent()).toMatch(/^✕ \d\d\u00a0%.*⊘/)
    const dash = 'getComputedStyle(document.querySelector(".map-frame .map-line.failing path")).strokeDasharray'
    expect(await page.evaluate(dash)).not.toBe('none')
    expect(await findings(page)).toEqual([])
    expect(await layoutFaults(page)).toEqual([])
    expect(problems).toEqual([])

    await stock.focus()
    const note = page.locator('#map-calls')
    expect(await note.textContent()).toContain('inventory → stock')
    expect(await note.textContent()).toContain('breaker stock: open')
    expect(await stock.getAttribute('aria-describedby')).toBe('map-calls')
    await page.keyboard.press('Enter')
    await page.locator('[data-chip="service"]', { hasText: 'stock' }).waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.get('service')).toBe('stock')
    expect(await stock.getAttribute('aria-pressed')).toBe('true')
  })

  it('follows the logs without moving what is drawn', async () => {
    const page = await start(writeCalls, 'lang=en')
    const line = page.locator('.map-frame .map-node', { hasText: 'web' })
    await line.waitFor()
    const before = await boxes(page)
    const failed = { service: 'inventory', parent_span_id: 'o', trace_id: 't', status_code: 500 }
    const shop = requestLine({ service: 'shop', span_id: 'o', trace_id: 't' })
    const all = Array.from({ length: 60 }, (_, at) => requestLine({ ...failed, span_id: `n${at}` })).join('')
    await appendFile(join(dashboard?.folder ?? '', 'all.jsonl'), shop + all)
    await page.locator('.map-node', { hasText: 'inventory, failing' }).waitFor({ timeout: 3_000 })
    await expect.poll(() => page.locator('.map-frame .map-line.failing').count()).toBe(2)
    expect(await boxes(page)).toEqual(before)
  })

  it('has a table with the same calls, in Spanish, dark, at 390 pixels, and where a chain is too long', async () => {
    const page = await start(writeCalls, 'lang=es', 390)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.getByText('La cadena de llamadas es demasiado larga').waitFor()
    const row = page.locator('[data-call="inventory stock"]')
    expect(await row.textContent()).toMatch(/^inventory → stock[\d,]+\/min✕ [\d,]+\u00a0%stock: abiertospans padre$/)
    expect(await page.locator('[data-table="map"] tbody tr').first().getAttribute('data-call')).toBe('inventory stock')
    expect(await page.locator('[data-call="shop mail"]').textContent()).toContain('mail (sin log conocido)')
    expect(await findings(page)).toEqual([])
    expect(await layoutFaults(page)).toEqual([])
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.locator('.map-frame').waitFor()
    await page.keyboard.press('t')
    await row.waitFor()
    expect(await page.locator('.map-frame').count()).toBe(0)
  })

  it('draws three layers at 390 pixels, and sixty services at 1440, without a fault', async () => {
    const call = (from: string, to: string): string => {
      const ids = { trace_id: `${from}${to}` }
      const inner = requestLine({ ...ids, service: to, span_id: `i${from}${to}`, parent_span_id: `o${from}${to}` })
      return inner + requestLine({ ...ids, service: from, span_id: `o${from}${to}` })
    }
    const names = Array.from({ length: 59 }, (_, at) => `service-${at}`)
    const page = await start(
      (folder) => writeFile(join(folder, 'all.jsonl'), names.map((name) => call('gateway', name)).join('')),
      'lang=en',
    )
    await expect.poll(() => page.locator('.map-frame .map-node').count()).toBe(60)
    expect(await layoutFaults(page)).toEqual([])
    await page.setViewportSize({ width: 390, height: 900 })
    await page.waitForFunction('document.querySelector(".map-frame").getBoundingClientRect().width <= 358')
    await expect.poll(() => layoutFaults(page)).toEqual([])
    expect(await findings(page)).toEqual([])
  })

  it('is not loaded until it is near, and is data for programs too', async () => {
    dashboard = await startOnFolder(writeCalls)
    opened = await open('about:blank', { height: 300 })
    const { page } = opened
    const scripts: string[] = []
    page.on('request', (request) => scripts.push(new URL(request.url()).pathname))
    await page.goto(`${dashboard.url}?lang=en`)
    await page.locator('#map').waitFor()
    expect(scripts).not.toContain('/page-map.js')
    await page.locator('#map').scrollIntoViewIfNeeded()
    await page.locator('.map-frame').waitFor()
    expect(scripts).toContain('/page-map.js')
    expect(scripts).not.toContain('/page-heat.js')
    const { port } = new URL(dashboard.url)
    const { json } = await askPort(Number(port), '/api/map')
    expect(json).toMatchObject({
      services: expect.arrayContaining([expect.objectContaining({ name: MARKUP, state: 'healthy' })]),
      calls: expect.arrayContaining([expect.objectContaining({ from: 'inventory', to: 'stock', state: 'failing' })]),
    })
  })

  it('is not there for one service that calls nothing', async () => {
    dashboard = await startOnFolder((folder) => writeFile(join(folder, 'shop.jsonl'), requestLine()))
    opened = await open(dashboard.url)
    await opened.page.locator('#services-table').waitFor()
    expect(await opened.page.locator('#map').count()).toBe(0)
  })
})
