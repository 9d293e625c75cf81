import { afterEach, describe, expect, it } from 'vitest'
import { findings, fitsWidth } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type LeversService, startLeversService } from './helpers/levers-service.ts'

let service: LeversService
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
  await service?.close()
})

describe.skipIf(isSkipped)('the levers of breakers', () => {
  it('are not there where the service has no admin routes', async () => {
    service = await startLeversService(false)
    service.breaker.isolate()
    opened = await open(`${service.url}?lang=en`)
    await opened.page.locator('.lane', { hasText: 'isolated' }).waitFor()
    expect(await opened.page.locator('.levers').count()).toBe(0)
    expect(await opened.page.getByRole('button', { name: 'All breakers…' }).count()).toBe(0)
    expect(opened.problems).toEqual([])
  })

  it('isolate and reset a breaker with a reason, by keyboard, and its lane follows', async () => {
    service = await startLeversService()
    opened = await open(`${service.url}?lang=en`)
    const { page, problems } = opened
    await page.getByRole('button', { name: 'All breakers…' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Levers' })
    await dialog.getByRole('radio', { name: /^Isolate/ }).waitFor()
    const option = dialog.locator('option', { hasText: service.name })
    expect(await option.textContent()).toBe(`${service.name} · circuitBreaker (closed)`)
    await dialog.getByLabel('Breaker').selectOption(await option.getAttribute('value'))
    const submit = dialog.getByRole('button', { name: `Isolate ${service.name}` })
    await submit.click()
    expect(service.pulled).toEqual([])
    await dialog.getByLabel('Reason', { exact: true }).fill('   ')
    await submit.click()
    expect(service.pulled).toEqual([])
    await dialog.getByLabel('Reason', { exact: true }).fill('stock <b>is</b> wrong')
    expect(await findings(page)).toEqual([])
    await page.keyboard.press('Enter')
    await dialog.getByText('Done: closed → isolated.').waitFor()
    expect(service.breaker.state).toBe('isolated')
    expect(service.pulled).toMatchObject([
      {
        path: expect.stringMatching(/^\/admin\/shields\/inventory-\d+\/circuitBreaker$/),
        body: { action: 'isolate', reason: 'stock <b>is</b> wrong' },
        headers: { 'content-type': 'application/json', 'x-escudo-page': 'levers', 'sec-fetch-site': 'same-origin' },
      },
    ])
    await page.keyboard.press('Enter')
    await dialog.getByText('Nothing changed: it already was isolated.').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.textContent')).toBe('All breakers…')
    const lane = page.locator('.lane', { hasText: 'isolated' })
    await lane.waitFor({ timeout: 2_000 })
    await lane.getByRole('button', { name: /^Reset: inventory-/ }).click()
    const form = page.getByRole('dialog', { name: /^Levers of inventory-/ })
    await form.getByLabel('Reason', { exact: true }).fill('fixed')
    await form.getByRole('button', { name: /^Reset inventory-/ }).click()
    await form.getByText('Done: isolated → closed.').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('.lane', { hasText: 'closed' }).waitFor({ timeout: 2_000 })
    expect(problems).toEqual([])
  })

  it('say in plain words why nothing happened, in Spanish at 390 pixels', async () => {
    service = await startLeversService()
    service.breaker.isolate()
    opened = await open(`${service.url}?lang=es`, { width: 390, colorScheme: 'dark' })
    const { page } = opened
    const lane = page.locator('.lane', { hasText: 'aislado' })
    await lane.getByRole('button', { name: /^Restablecer: / }).click()
    const dialog = page.getByRole('dialog', { name: /^Mandos de inventory-/ })
    await dialog.getByLabel('Motivo', { exact: true }).fill('arreglado')
    const submit = dialog.getByRole('button', { name: /^Restablecer inventory-/ })
    for (const [status, text] of [
      [401, 'El servicio no te conoce. Recarga la página e identifícate. El servicio dice: Who are you?'],
      [403, /^El servicio no te permite esto.* El servicio dice: Not you\.$/],
      [409, /varios escudos.* El servicio dice: Two of them\.$/],
      [503, 'El servicio ha fallado (503). El carril muestra si ha actuado.'],
    ] as const) {
      service.refuseWith(status)
      await submit.click()
      await dialog.getByRole('alert').getByText(text).waitFor()
    }
    expect(await findings(page)).toEqual([])
    expect(await fitsWidth(page)).toBe(true)
    await page.route('**/admin/shields/**', (route) => route.abort())
    await submit.click()
    await dialog.getByText('El servicio no ha respondido. El carril muestra si ha actuado.').waitFor()
    expect(service.breaker.state).toBe('isolated')
  })
})
