import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { writeSecond, writeSpan } from './helpers/fleet.ts'
import { type FolderDashboard, startOnFolder } from './helpers/folder.ts'

// Thirty services, each with its own file, and a real browser.

let dashboard: FolderDashboard | undefined
let opened: Opened | undefined

afterEach(async () => {
  await opened?.close()
  await dashboard?.remove()
  opened = undefined
  dashboard = undefined
})

async function start(prepare: (folder: string, now: number) => Promise<void>, query = ''): Promise<Page> {
  dashboard = await startOnFolder((folder) => prepare(folder, Date.now()))
  opened = await open(`${dashboard.url}?lang=en${query}`)
  await opened.page.locator('.live.live').waitFor()
  return opened.page
}

const healthy = (folder: string, now: number): Promise<void> => writeSpan(folder, now - 60_000, now)
const icon = (page: Page): Promise<unknown> =>
  page.evaluate('decodeURIComponent(document.querySelector("link[rel=icon]").href)')
const bandColour = (page: Page): Promise<unknown> =>
  page.evaluate('getComputedStyle(document.querySelector(".verdict")).backgroundColor')

test.skipIf(isSkipped)(
  'names the failing service of thirty within two seconds, and one click shows a trace of it',
  { timeout: 60_000 },
  async () => {
    const page = await start(healthy)
    await page.locator('.verdict.healthy').waitFor()
    const [calmIcon, calmColour] = [await icon(page), await bandColour(page)]
    const { folder = '' } = dashboard ?? {}
    const broke = Date.now()
    for (let second = 0; second < 5; second += 1) await writeSecond(folder, Date.now() - 700, { failing: 1 })
    await page.locator('.verdict.failing .headline', { hasText: 'inventory has been failing since' }).waitFor({
      timeout: 2_000,
    })
    expect(Date.now() - broke).toBeLessThan(3_000)
    // The lines of its caller may come a moment later.
    await page.locator('.verdict.failing', { hasText: 'Also in trouble: shop.' }).waitFor()
    const text = (await page.locator('.verdict.failing').textContent()) ?? ''
    expect(text).toMatch(/since \d\d:\d\d:\d\d\. Reason: server errors\./)
    expect(text).toMatch(/In the last minute, [1-9]\d* of [\d,]+ responses to users were server errors/)
    expect(await page.title()).toBe('✕ inventory: failing · escudo')
    expect(await icon(page)).not.toBe(calmIcon)
    expect(await bandColour(page)).not.toBe(calmColour)

    await page.locator('[data-action="trace"]').click()
    const drawer = page.locator('dialog.drawer[open]')
    await drawer.getByText('2 services').waitFor()
    expect(await drawer.textContent()).toContain('DATABASE_DOWN')
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })

    await page.locator('[data-action="service"]').click()
    await page.locator('[data-chip="service"]', { hasText: 'inventory' }).waitFor()
    const group = page.locator('#error-groups tbody tr').first()
    await group.getByText('no connection to {address} after {n} ms').waitFor()
    await group.locator('.trace-links button').first().click()
    await drawer.getByText('2 services').waitFor()
    expect(opened?.problems).toEqual([])
  },
)

test.skipIf(isSkipped)(
  'follows the state back to healthy, and says when it no longer follows',
  { timeout: 60_000 },
  async () => {
    const page = await start(async (folder, now) => {
      await writeSpan(folder, now - 120_000, now - 90_000, { failing: 0.7 })
      await writeSpan(folder, now - 58_000, now)
    })
    await page.locator('.verdict.healthy').waitFor()
    await page.keyboard.press(' ')
    await page.locator('.verdict.old').waitFor()
    expect(await page.title()).toMatch(/^‖ paused/)
    await page.keyboard.press(' ')
    await page.locator('.verdict.healthy:not(.old)').waitFor()
    // A process that is stopped keeps its connections open and sends nothing.
    dashboard?.process.send('SIGSTOP')
    await page.locator('.verdict.lost').waitFor({ timeout: 20_000 })
    await page.locator('.verdict.old', { hasText: 'Last known state' }).waitFor()
    expect(await page.title()).toMatch(/^⚠ disconnected/)
    dashboard?.process.send('SIGCONT')
    await page.locator('.verdict.lost').waitFor({ state: 'detached', timeout: 20_000 })
  },
)

test.skipIf(isSkipped)(
  'makes a row the filter of the whole page, keeps it in the URL, and removes it again',
  { timeout: 60_000 },
  async () => {
    const page = await start((folder, now) => writeSpan(folder, now - 60_000, now, { failing: 0.5 }))
    const requests = page.locator('[data-tile="requests"]')
    const all = await requests.textContent()
    expect(await page.locator('#services-table tbody th').first().textContent()).toContain('inventory')
    await page.locator('#services-table').getByRole('button', { name: 'inventory' }).click()
    await expect.poll(() => requests.textContent()).toBe('240')
    expect(await page.locator('[data-tile="server"]').textContent()).toBe('120')
    await expect.poll(() => new URL(page.url()).searchParams.get('service')).toBe('inventory')
    await expect
      .poll(async () => [...new Set(await page.locator('#tail .service').allTextContents())])
      .toEqual(['inventory'])
    await page.locator('h1').hover()
    await expect.poll(() => page.locator('#routes-table tbody tr').count()).toBe(1)

    await page.locator('#routes-table').getByRole('button', { name: '/stock/{id}' }).click()
    await page.locator('[data-chip="route"]').waitFor()
    await page.reload()
    await expect.poll(() => requests.textContent()).toBe('240')
    await page.locator('[data-chip="service"]').getByRole('button').click()
    await expect.poll(() => requests.textContent()).toBe(all)
    await expect.poll(() => new URL(page.url()).searchParams.has('service')).toBe(false)
    await expect.poll(() => new URL(page.url()).searchParams.has('route')).toBe(false)
  },
)

test.skipIf(isSkipped)(
  'counts what users sent, hops on request, and health checks apart',
  { timeout: 60_000 },
  async () => {
    const page = await start(async (folder, now) => {
      await healthy(folder, now)
      await appendFile(join(folder, 'shop.jsonl'), requestLine({ path: '/healthz' }).repeat(7))
    })
    const countOf = async (): Promise<number> =>
      Number((await page.locator('[data-tile="requests"]').textContent())?.replaceAll(',', ''))
    const entries = await countOf()
    await page.getByText('Health checks, counted apart: 7').waitFor()
    await page.getByLabel('count requests between services too (240)').check()
    await expect.poll(countOf).toBe(entries + 240)
    await expect.poll(() => new URL(page.url()).searchParams.get('hops')).toBe('1')
    await page.reload()
    await expect.poll(countOf).toBe(entries + 240)
  },
)

test.skipIf(isSkipped)(
  'sorts a table by any column, by keyboard, and announces the order',
  { timeout: 60_000 },
  async () => {
    const page = await start(healthy)
    const table = page.locator('#services-table')
    const first = (): Promise<string | null> => table.locator('tbody th button').first().textContent()
    await table.getByRole('button', { name: 'Rate' }).press('Enter')
    expect(await table.locator('th[aria-sort="descending"]').textContent()).toContain('Rate')
    expect(['shop', 'inventory']).toContain(await first())
    await table.getByRole('button', { name: 'Service', exact: true }).press('Enter')
    expect(await table.locator('th[aria-sort="ascending"]').textContent()).toContain('Service')
    expect(await first()).toBe('inventory')
    await page.getByRole('button', { name: 'Show all 30' }).first().press('Enter')
    expect(await table.locator('tbody tr').count()).toBe(30)
  },
)

test.skipIf(isSkipped)('opens the sources if a file is not understood, with an example and what to do', async () => {
  const page = await start(async (folder) => {
    await writeFile(join(folder, 'good.jsonl'), requestLine())
    await writeFile(join(folder, 'own.log'), 'user 42 bought a potion; took=12\n')
  })
  const sources = page.locator('#sources')
  expect(await sources.locator('details').getAttribute('open')).not.toBeNull()
  const row = sources.locator('tbody', { hasText: 'own.log' })
  await row.getByText('user 42 bought a potion; took=12').waitFor()
  expect(await row.textContent()).toContain('declare it with --format')
  await page.locator('[data-action="sources"]').click()
  expect(await page.evaluate('document.activeElement.id')).toBe('sources')
  await page.getByRole('button', { name: 'Español' }).click()
  await row.getByText('Es texto en un formato desconocido').waitFor()
})

test.skipIf(isSkipped)('keeps the sources closed while everything is recognised', async () => {
  const page = await start(async (folder) => writeFile(join(folder, 'good.jsonl'), requestLine()))
  await page.getByText('everything recognised').waitFor()
  expect(await page.locator('#sources details').getAttribute('open')).toBeNull()
  await page.locator('#sources summary').click()
  await page.locator('#sources tbody', { hasText: 'good.jsonl' }).getByText('escudo', { exact: true }).waitFor()
})

test.skipIf(isSkipped)('lists an error that a fallback hid, and compares with the same span before', async () => {
  const page = await start(async (folder, now) => {
    const at = (ago: number): string => new Date(now - ago).toISOString()
    const before = requestLine({ timestamp: at(1_200_000), status_code: 500 }).repeat(3)
    const hidden = { event: 'fallback', shield: 'stock', error_type: 'CircuitOpenError', status_code: undefined }
    await writeFile(
      join(folder, 'shop.jsonl'),
      before + requestLine({ timestamp: at(5_000) }).repeat(4) + requestLine({ ...hidden, trace_id: 'hidden' }),
    )
  })
  const group = page.locator('#error-groups tbody tr', { hasText: 'CircuitOpenError' })
  expect(await group.textContent()).toContain('answered by a fallback')
  await page.locator('.tile.requests', { hasText: 'same span before: 3' }).waitFor()
  await page.locator('.tile.server', { hasText: 'same span before: 100' }).waitFor()
})

test.skipIf(isSkipped).each([
  ['silent', (folder: string, now: number) => writeSpan(folder, now - 400_000, now - 80_000)],
  ['degraded', (folder: string, now: number) => degrade(folder, now)],
  ['failing', (folder: string, now: number) => writeSpan(folder, now - 60_000, now, { failing: 0.7, isHidden: true })],
  ['waiting', (folder: string) => writeFile(join(folder, 'own.log'), 'user 42 bought a potion; took=12\n')],
] as const)('has no axe violations and nothing too wide while %s', { timeout: 60_000 }, async (state, prepare) => {
  dashboard = await startOnFolder((folder) => prepare(folder, Date.now()))
  for (const [width, colorScheme, query] of [
    [1440, 'light', 'lang=en'],
    [390, 'dark', 'lang=es&service=inventory'],
  ] as const) {
    opened = await open(`${dashboard.url}?${query}`, { width, colorScheme })
    const { page, problems } = opened
    await page.locator(`.verdict.${state}`).waitFor()
    expect(await findings(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(
      true,
    )
    expect(problems).toEqual([])
    await opened.close()
    opened = undefined
  }
})

async function degrade(folder: string, now: number): Promise<void> {
  await writeSpan(folder, now - 240_000, now - 60_000)
  await writeSpan(folder, now - 60_000, now, { inventoryMs: 900 })
}
