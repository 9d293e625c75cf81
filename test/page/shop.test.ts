import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, clearFault, setFault } from '../shop/helpers/requests.ts'
import { cleanUp, type System, startSystem } from '../shop/helpers/system.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'

// Runs the shop, its dependencies, the dashboard on their logs, and a real browser.

let system: System
let opened: Opened

beforeAll(async () => {
  if (isSkipped) return
  system = await startSystem({ ESCUDO_SEED: '7' })
  opened = await open(`http://localhost:${system.ports.dashboard}/`)
})

afterAll(async () => {
  await opened?.close()
  await cleanUp()
})

test.skipIf(isSkipped)('shows an error within two seconds without a reload, and opens its trace', async () => {
  const { page, problems } = opened
  await page.locator('.live.live').waitFor()
  // The URL keeps the open trace without a load.
  const loads: string[] = []
  page.on('domcontentloaded', () => loads.push(page.url()))
  await setFault(system, 'product-service', { status: 503, rate: 1 })
  const failed = await ask(system, 'potion-shop', '/product-details/mana-potion')
  expect(failed.status).toBe(502)

  const entry = page.locator('#latest-errors button', { hasText: 'El servicio de productos falló: 503' })
  await entry.waitFor({ timeout: 2_000 })
  await entry.click()
  const drawer = page.getByRole('dialog', { name: 'Traza' })
  await drawer.getByText('3 servicios').waitFor()
  expect(await drawer.locator('.id').textContent()).toBe(failed.json.trace_id)
  const services = await drawer.locator('.line-head button').allTextContents()
  expect(new Set(services)).toEqual(new Set(['potion-shop', 'product-service', 'inventory-service']))

  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'hidden' })
  expect(await page.evaluate('document.activeElement.textContent')).toContain('El servicio de productos falló')
  expect(loads).toEqual([])
  expect(problems).toEqual([])
  await clearFault(system, 'product-service')
})

test.skipIf(isSkipped)('shows an open breaker in a lane and in the verdict', async () => {
  const { page } = opened
  await setFault(system, 'flaky-service', { status: 500, rate: 1 })
  for (let call = 0; call < 4; call += 1) await ask(system, 'potion-shop', '/call-external')
  await page.locator('.lane', { hasText: 'external' }).getByText('abierto').waitFor({ timeout: 2_000 })
  expect(await page.locator('.headline').textContent()).toContain(
    'El cortacircuitos de external en potion-shop está abierto.',
  )
})
