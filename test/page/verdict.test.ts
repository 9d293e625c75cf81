import { appendFile } from 'node:fs/promises'
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

let dashboard: Dashboard
let opened: Opened | undefined

beforeEach(async () => {
  if (!isSkipped) dashboard = await startDashboard()
})
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await dashboard?.remove()
})

/** Returns several equal requests, a second ago. */
function requests(count: number, fields: Readonly<Record<string, unknown>>): string {
  return requestLine({ timestamp: new Date(Date.now() - 1_000).toISOString(), ...fields }).repeat(count)
}

test.skipIf(isSkipped)('shows the server’s verdict in sentence and title, and keeps it for any range', async () => {
  opened = await open(`${dashboard.url}?lang=en`)
  const { page } = opened
  await page.getByText('The files do not exist yet.').waitFor()
  await appendFile(dashboard.log, '{"event":"started"}\nnot json\n')
  await page.getByText('2 lines read: 1 malformed, 0 health checks.').waitFor()
  await appendFile(dashboard.log, requests(20, {}))
  await page.locator('.verdict.healthy').waitFor()
  expect(await page.title()).toBe('✓ healthy · escudo')
  await appendFile(dashboard.log, requests(10, { service: 'inventory', status_code: 503 }))
  await page.locator('.verdict.failing', { hasText: 'inventory has been failing since' }).waitFor({ timeout: 2_000 })
  expect(await page.title()).toBe('✕ inventory: failing · escudo')
  expect(await page.locator('.headline').textContent()).toContain('Reason: server errors.')
  const sentence = await page.locator('.headline').textContent()
  for (const range of ['300', '604800']) {
    await page.getByLabel('Range').selectOption(range)
    await delay(300)
    expect(await page.locator('.headline').textContent()).toBe(sentence)
  }
})

test.skipIf(isSkipped)(
  'says that too many pages are open, waits, and connects when one is closed',
  { timeout: 60_000 },
  async () => {
    const streams = Array.from({ length: 64 }, () =>
      get(`${dashboard.url}api/stream?range=300`, { agent: false }).on('error', () => {}),
    )
    await delay(1_000)
    opened = await open(`${dashboard.url}?lang=en`)
    const { page } = opened
    await page.getByText('Too many pages are open').waitFor()
    let attempts = 0
    page.on('request', (request) => {
      if (request.url().includes('/api/stream')) attempts += 1
    })
    await delay(4_000)
    expect(attempts).toBe(0)
    for (const stream of streams) stream.destroy()
    await page.locator('.live.live').waitFor({ timeout: 20_000 })
    expect(attempts).toBeLessThanOrEqual(2)
  },
)
