import { once } from 'node:events'
import { appendFile } from 'node:fs/promises'
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isSkipped } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { session } from './helpers/session.ts'

const started = session()
/** Returns several equal requests, a second ago. */
function requests(count: number, fields: Readonly<Record<string, unknown>>): string {
  return requestLine({ timestamp: new Date(Date.now() - 1_000).toISOString(), ...fields }).repeat(count)
}

test.skipIf(isSkipped)('shows the server’s verdict in sentence and title, and keeps it for any range', async () => {
  const { page } = await started.open('?lang=en')
  await page.getByText('The files do not exist yet.').waitFor()
  await appendFile(started.dashboard.log, '{"event":"started"}\nnot json\n')
  await page.getByText('2 lines read: 1 malformed, 0 health checks.').waitFor()
  await appendFile(started.dashboard.log, requests(20, {}))
  await page.locator('.verdict.healthy').waitFor()
  expect(await page.title()).toBe('✓ healthy · escudo')
  await appendFile(started.dashboard.log, requests(10, { service: 'inventory', status_code: 503 }))
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

/** Opens streams until the dashboard accepts no more. */
async function fillStreams(): Promise<() => void> {
  const streams = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const request = get(`${started.dashboard.url}api/stream?range=300`, { agent: false }).on('error', () => {})
      await once(request, 'response')
      return request
    }),
  )
  return () => {
    for (const stream of streams) stream.destroy()
  }
}

test.skipIf(isSkipped)(
  'waits longer each time while too many pages are open, and connects when one is closed',
  async () => {
    const closeStreams = await fillStreams()
    const { page } = await started.open('api/summary')
    await page.clock.install()
    // When the page connected, by its clock, and how often it was refused.
    await page.addInitScript(`
    window.connectedAt = []
    window.refusals = 0
    window.EventSource = class extends EventSource {
      constructor(url) {
        super(url)
        connectedAt.push(Date.now())
        this.addEventListener('full', () => refusals++)
      }
    }`)
    const refusals = () => page.evaluate<number>('refusals')
    await page.goto(`${started.dashboard.url}?lang=en`)
    await page.getByText('Too many pages are open').waitFor()
    await expect.poll(refusals, { timeout: 5_000 }).toBe(1)
    await page.clock.runFor(5_000)
    await expect.poll(refusals, { timeout: 5_000 }).toBe(2)
    await page.clock.runFor(10_000)
    await expect.poll(refusals, { timeout: 5_000 }).toBe(3)
    const [first, second, third] = await page.evaluate<readonly [number, number, number]>('connectedAt')
    expect(second - first).toBeGreaterThanOrEqual(5_000)
    expect(third - second).toBeGreaterThanOrEqual(10_000)
    closeStreams()
    const isLive = async (): Promise<boolean> => {
      await page.clock.runFor(60_000)
      return page.locator('.live.live').isVisible()
    }
    await expect.poll(isLive, { timeout: 10_000 }).toBe(true)
  },
)
