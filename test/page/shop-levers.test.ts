import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll } from '../shop/helpers/processes.ts'
import { type StartedShop, startShop } from '../shop/helpers/shop.ts'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'

let shop: StartedShop
let opened: Opened | undefined
beforeAll(async () => {
  if (!isSkipped) shop = await startShop({ ESCUDO_SHOP_DASHBOARD: 'on' })
})
afterEach(async () => {
  await opened?.close()
  opened = undefined
})
afterAll(endAll)

describe.skipIf(isSkipped)("the shop's own dashboard", () => {
  it('isolates, trips, resets and reconfigures a breaker of the shop during traffic, seen within 2 s', async () => {
    opened = await open(`http://localhost:${shop.port}/admin/dashboard/?lang=en`, { password: 'admin123' })
    const { page, problems } = opened
    const traffic = setInterval(() => void shop.ask('/call_external').catch(() => {}), 100)
    try {
      await page.getByRole('button', { name: 'All breakers…' }).click()
      const dialog = page.getByRole('dialog')
      const option = dialog.locator('option', { hasText: 'external ·' })
      await dialog.getByLabel('Breaker').selectOption(await option.getAttribute('value'))
      const act = async (action: string, result: string, state: string): Promise<void> => {
        await dialog.getByRole('radio', { name: new RegExp(`^${action}`) }).check()
        await dialog.getByLabel('Reason', { exact: true }).fill('test of the levers')
        await dialog.getByRole('button', { name: `${action} external` }).click()
        await dialog.getByText(result).waitFor()
        const lane = page.locator('.lane', { hasText: 'external' })
        await expect.poll(() => lane.locator('.lane-state strong').textContent(), { timeout: 2_000 }).toBe(state)
      }
      await act('Isolate', 'Done: closed → isolated.', 'isolated')
      expect(await findings(page)).toEqual([])
      await act('Reset', 'Done: isolated → closed.', 'closed')
      await act('Trip', 'Done: closed → open.', 'open')
      await act('Reset', 'Done: open → closed.', 'closed')
      // What the form accepts is an object.
      await dialog.getByRole('radio', { name: /^Change options/ }).check()
      const options = dialog.getByLabel('New options, as JSON')
      await options.fill('{"openFor":')
      expect(await dialog.locator('[name=options]:invalid').count()).toBe(1)
      await options.fill('{"openFor":"1ms"}')
      await dialog.getByRole('button', { name: 'Change options external' }).click()
      await dialog.getByText('Done: {"openFor":"10s"} → {"openFor":"1ms"}.').waitFor()
      const changed = page.locator('#tail li', { hasText: 'shield.reconfigured' })
      await expect.poll(() => changed.count(), { timeout: 2_000 }).toBe(1)
      expect(await findings(page)).toEqual([])
    } finally {
      clearInterval(traffic)
    }
    const actions = (await shop.lines()).filter(({ event }) => event === 'admin.action')
    expect(actions).toHaveLength(5)
    expect(actions[0]).toMatchObject({ actor: 'admin', reason: 'test of the levers', shield: 'external' })
    expect(problems).toEqual([])
  })

  it('stays closed for the token of a user', async () => {
    opened = await open(`http://localhost:${shop.port}/admin/dashboard/`, { password: 'secreto123' })
    expect(await opened.page.textContent('body')).toContain('ACCESO_PROHIBIDO')
  })
})
