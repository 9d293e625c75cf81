import { appendFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startScript } from '../shop/helpers/processes.ts'
import { findings } from './helpers/axe.ts'
import { isSkipped } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { session } from './helpers/session.ts'

const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

const started = session()

async function writeOneLineOfEachKind(log: string): Promise<void> {
  const error = { log_level: 'error', status_code: 503, error_code: 'UPSTREAM_ERROR', error_kind: 'technical' }
  const change = { event: 'circuit_breaker.state_change', log_level: 'warning', shield: 'stock', policy: 'breaker' }
  await appendFile(
    log,
    requestLine({ trace_id: 'good' }) +
      requestLine({ ...error, trace_id: 'bad', span_id: 's' }) +
      requestLine({ ...error, trace_id: 'bad', span_id: 's', event: 'http_error', detail: 'no answer' }) +
      requestLine({ status_code: 404, error_code: 'ITEM_NOT_FOUND', error_kind: 'business', trace_id: 'lost' }) +
      requestLine({ ...change, from: 'closed', to: 'open', trace_id: 'bad' }),
  )
}

test.skipIf(isSkipped)(
  'has no axe violations in any language, theme, width or state',
  { timeout: 60_000 },
  async () => {
    for (const [width, colorScheme, locale] of [
      [1280, 'light', 'es-ES'],
      [390, 'dark', 'en-GB'],
    ] as const) {
      const { page, problems } = await started.open('', { width, colorScheme, locale })
      if (width === 1280) {
        await page.locator('.verdict.waiting').waitFor()
        expect(await findings(page)).toEqual([])
        await writeOneLineOfEachKind(started.dashboard.log)
      }
      await page.locator('#latest-errors button').first().waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe(locale.slice(0, 2))
      expect(await findings(page)).toEqual([])
      await page.keyboard.press('t')
      await page.locator('#by_status, .figure .scroll table').first().waitFor()
      expect(await findings(page)).toEqual([])
      await page.keyboard.press('?')
      await page.locator('dialog.help[open]').waitFor()
      expect(await findings(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.locator('#latest-errors button').first().click()
      await page.locator('.trace-lines li').first().waitFor()
      expect(await findings(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(
        true,
      )
      expect(problems).toEqual([])
    }
  },
)

test.skipIf(isSkipped)('shows script in any field as text in lists, drawer and filter', async () => {
  const { page, problems } = await started.open()
  const fields = [
    'service',
    'path',
    'error_code',
    'detail',
    'message',
    'log_level',
    'method',
    'trace_id',
    'shield',
    'policy',
    'to',
    'error_kind',
  ]
  const hostile = Object.fromEntries(fields.map((name) => [name, HOSTILE]))
  const change = { ...hostile, event: 'circuit_breaker.state_change', from: HOSTILE }
  await appendFile(
    started.dashboard.log,
    requestLine({ ...hostile, status_code: 500, [HOSTILE]: HOSTILE }) + requestLine(change),
  )
  const entry = page.locator('#latest-errors button').first()
  await entry.waitFor({ timeout: 2_000 })
  expect(await entry.textContent()).toContain('<script>')
  await entry.click()
  await page.locator('.trace-lines summary').first().click()
  expect(await page.locator('.drawer').textContent()).toContain('onerror')
  await page.locator('.line-head button').first().click()
  expect(await page.locator('#filter').inputValue()).toContain('<img src=x')
  expect(await page.locator('#tail li').count()).toBeGreaterThan(0)
  expect(await page.evaluate('window.hacked')).toBeUndefined()
  expect(await page.locator('#page img, #page script').count()).toBe(0)
  expect(problems).toEqual([])
})

test.skipIf(isSkipped)('reports a stopped dashboard, keeps the numbers and reconnects', async () => {
  await writeOneLineOfEachKind(started.dashboard.log)
  const { page } = await started.open('?lang=en')
  await page.locator('[data-tile="requests"]', { hasText: '3' }).waitFor()
  started.dashboard.process.send('SIGTERM')
  await page.getByText('The dashboard cannot be reached').waitFor({ timeout: 5_000 })
  expect(await page.locator('[data-tile="requests"]').textContent()).toBe('3')
  startScript('packages/dashboard/src/bin.ts', ['--port', String(started.dashboard.port), started.dashboard.log], {})
  await page.locator('.live.live').waitFor({ timeout: 10_000 })
  await page.getByText('The dashboard cannot be reached').waitFor({ state: 'detached' })
})

test.skipIf(isSkipped)('filters and pauses by keyboard, and keeps range and language in the URL', async () => {
  await writeOneLineOfEachKind(started.dashboard.log)
  const { page } = await started.open()
  await page.locator('#tail li').first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('item_not_found 404')
  await expect.poll(() => page.locator('#tail li').count()).toBe(1)
  await page.locator('h1').click()
  await page.keyboard.press('Space')
  await page.locator('.live.paused').waitFor()
  await page.keyboard.press('Space')
  await page.locator('.live.live').waitFor()
  await page.getByRole('button', { name: 'English' }).click()
  await page.getByLabel('Range').selectOption('3600')
  await expect.poll(() => new URL(page.url()).search).toBe('?lang=en&range=3600')
  await page.reload()
  await page.locator('[data-tile="requests"]', { hasText: '3' }).waitFor()
  expect(await page.getByLabel('Range').inputValue()).toBe('3600')
})

test.skipIf(isSkipped)('holds new rows behind a button while the pointer is on the list', async () => {
  await appendFile(started.dashboard.log, requestLine({ path: '/first' }))
  const { page } = await started.open('?lang=en')
  // Without the charts, the page still grows, and the list can move away from the pointer.
  await page.locator('canvas').first().waitFor()
  await page.locator('#tail li', { hasText: '/first' }).hover()
  await page.locator('.pausable:hover #tail').waitFor()
  await appendFile(started.dashboard.log, requestLine({ path: '/second' }))
  await page.getByRole('button', { name: '1 new' }).waitFor()
  expect(await page.locator('#tail li').count()).toBe(1)
  await page.getByRole('button', { name: '1 new' }).click()
  await page.locator('#tail li', { hasText: '/second' }).waitFor()
})
