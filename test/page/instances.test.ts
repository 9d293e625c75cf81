import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { type FolderDashboard, startOnFolder } from './helpers/folder.ts'

// A service of three instances, each with its own file, in a real browser.

let dashboard: FolderDashboard | undefined
let opened: Opened | undefined

afterEach(async () => {
  await opened?.close()
  await dashboard?.remove()
  opened = undefined
  dashboard = undefined
})

async function write(folder: string): Promise<void> {
  const now = Date.now()
  for (const number of [1, 2, 3]) {
    const of = { service: 'shop', instance: `shop-${number}`, pid: 100 + number }
    // The second one stops writing two minutes before the end.
    const ages = Array.from({ length: 300 }, (_, index) => 300 - index).filter((ago) => number !== 2 || ago > 120)
    const lines = ages.map((ago) => requestLine({ ...of, timestamp: new Date(now - ago * 1_000).toISOString() }))
    const change = { ...of, event: 'circuit_breaker.state_change', shield: 'inventory', policy: 'circuitBreaker' }
    const opened = { ...change, from: 'closed', to: 'open', reason: 'fleet: 2 of 3', status_code: undefined }
    const at = new Date(now - 20_000).toISOString()
    const more = number === 2 ? '' : requestLine({ ...opened, timestamp: at })
    await appendFile(join(folder, `shop-${number}.jsonl`), lines.join('') + more)
  }
}

test.skipIf(isSkipped)(
  'shows the instances of a service, the silent one and the decision of the fleet, in both languages',
  { timeout: 60_000 },
  async () => {
    dashboard = await startOnFolder(write)
    opened = await open(`${dashboard.url}?lang=en`)
    const { page } = opened
    const row = page.locator('#services-table tbody tr', { hasText: 'shop' })
    await row.getByText('instances: 3, silent: shop-2').waitFor()
    const lane = page.locator('.lane', { hasText: 'inventory' })
    expect(await page.locator('.lane').count()).toBe(1)
    await lane.getByText('fleet: 2 of 3 · 2 of 3 instances: shop-1, shop-3').waitFor()
    expect(await findings(page)).toEqual([])
    await page.getByRole('button', { name: 'Español' }).click()
    await row.getByText('instancias: 3, sin líneas: shop-2').waitFor()
    await lane.getByText('flota: 2 de 3 · 2 de 3 instancias: shop-1, shop-3').waitFor()
    expect(opened.problems).toEqual([])
  },
)
