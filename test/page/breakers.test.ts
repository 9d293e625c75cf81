import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

let dashboard: Dashboard
let opened: Opened | undefined
beforeEach(async () => {
  if (!isSkipped) dashboard = await startDashboard(writeFiveStates)
})
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await dashboard?.remove()
})

const CHANGE = { event: 'circuit_breaker.state_change', log_level: 'warning', policy: 'breaker', latency_ms: undefined }

async function writeFiveStates(log: string): Promise<void> {
  const now = Date.now()
  const line = (ago: number, fields: object): string =>
    requestLine({ timestamp: new Date(now - ago * 1_000).toISOString(), status_code: undefined, ...fields })
  const opening = { reason: 'half of the calls failed', failures: 5, calls: 10, error_code: 'ECONNREFUSED' }
  const opened = { ...CHANGE, from: 'closed', to: 'open', ...opening }
  await writeFile(
    log,
    [
      line(200, { ...opened, shield: 'queue', service: 'worker' }),
      line(150, { event: 'service.start', service: 'worker' }),
      line(100, { ...opened, shield: 'mail' }),
      line(90, { ...CHANGE, shield: 'mail', from: 'open', to: 'half-open' }),
      line(80, { ...CHANGE, shield: 'tax', from: 'closed', to: 'isolated', reason: 'maintenance' }),
      line(70, { ...opened, shield: 'stock', trace_id: 'the-trace' }),
      line(60, { ...CHANGE, shield: 'stock', from: 'open', to: 'closed', reason: 'the probes succeeded' }),
      line(50, { ...opened, shield: 'payments', trace_id: 'the-trace' }),
      line(1, {
        event: 'circuit_breaker.rejected',
        shield: 'payments',
        policy: 'breaker',
        retry_after_ms: 3_600_000,
      }),
      requestLine(),
    ].join(''),
  )
}

describe.skipIf(isSkipped)('the lanes of breakers', () => {
  it('show five states in words, what each breaker did, and when it tries again', async () => {
    opened = await open(`${dashboard.url}?lang=en`)
    const { page, problems } = opened
    await page.locator('.lane').first().waitFor()
    const states = await page.locator('.lane .lane-state strong').allTextContents()
    expect(states).toEqual(['open', 'half-open', 'isolated', 'unknown after a restart', 'closed'])
    expect(await page.locator('.lane').first().textContent()).toMatch(
      /payments.*next probe in 59\u00a0min.*opened after 5 of 10 calls failed \(50\u00a0%\).*refused calls: 1/,
    )
    const legend = await page.locator('.lane-legend li').allTextContents()
    expect(legend.map((text) => text.trim())).toEqual([
      ...['closed', 'open', 'half-open', 'isolated', 'unknown after a restart'],
    ])
    expect(await findings(page)).toEqual([])
    expect(problems).toEqual([])
  })

  it('tell each change at its exact time with its reason, by pointer and by keyboard', async () => {
    opened = await open(`${dashboard.url}?lang=en`)
    const { page } = opened
    const lane = page.locator('.lane', { hasText: 'stock' })
    const marks = lane.locator('.mark')
    await lane.scrollIntoViewIfNeeded()
    const mark = await marks.nth(0).boundingBox()
    await page.mouse.move((mark?.x ?? 0) + (mark?.width ?? 0) / 2, (mark?.y ?? 0) + 10)
    await expect
      .poll(() => lane.locator('.lane-note').textContent())
      .toMatch(
        /^\d\d:\d\d:\d\d\.\d{3} closed → open · half of the calls failed · failed calls: 5 of 10 \(50\u00a0%\) · ECONNREFUSED$/,
      )
    await marks.nth(1).focus()
    await page.keyboard.press('ArrowLeft')
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toContain('closed → open')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Trace' }).waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.get('trace')).toBe('the-trace')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toContain('closed → open')
  })

  it('are tables for the key t, at 390 pixels too', async () => {
    opened = await open(`${dashboard.url}?lang=es`, { width: 390, colorScheme: 'dark' })
    const { page } = opened
    await page.locator('.lane').first().waitFor()
    expect(await findings(page)).toEqual([])
    // The note of a change at the right edge is as wide as its text, not as the rest of the lane.
    const lane = page.locator('.lane', { hasText: 'payments' })
    await lane.locator('.mark').last().focus()
    const note = await lane.locator('.lane-note').boundingBox()
    expect(note?.width).toBeGreaterThan(250)
    expect(note?.height).toBeLessThan(100)
    await page.keyboard.press('t')
    const changes = page.locator('[data-table="changes"] tbody tr')
    await expect.poll(() => changes.count()).toBe(8)
    expect(await changes.filter({ hasText: 'queue' }).first().textContent()).toContain(
      'abierto → desconocido · el proceso se reinició',
    )
    expect(await findings(page)).toEqual([])
    expect(await fitsWidth(page)).toBe(true)
  })
})
