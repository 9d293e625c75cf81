import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endAll, until } from '../helpers/processes.ts'
import { type StartedShop, startShop } from '../helpers/shop.ts'

const ADMIN = { 'x-token': 'admin123' }
const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` })

let shop: StartedShop
beforeAll(async () => {
  shop = await startShop({ ESCUDO_SHOP_DASHBOARD: 'on' })
})
afterAll(endAll)

describe("the shop's own dashboard", () => {
  it('is for administrators only, with the header or with a password in the browser', async () => {
    const status = async (headers: Record<string, string>) =>
      (await fetch(`http://localhost:${shop.port}/admin/dashboard/`, { headers })).status
    const sent = [{}, { 'x-token': 'secreto123' }, basic('secreto123'), basic('wrong'), ADMIN, basic('admin123')]
    expect(await Promise.all(sent.map((headers) => status({ ...headers })))).toEqual([401, 403, 403, 401, 200, 200])
    const refused = await fetch(`http://localhost:${shop.port}/admin/dashboard`)
    expect(refused.headers.get('www-authenticate')).toBe('Basic realm="potion-shop", charset="UTF-8"')
    expect(await refused.json()).toMatchObject({ error_code: 'AUTENTICACION_FALLIDA' })
  })

  it('shows what the shop logs, without its own requests', async () => {
    await shop.ask('/items/item1')
    await shop.ask('/items/nothing')
    const summary = async () =>
      (await (await fetch(`http://localhost:${shop.port}/admin/dashboard/api/summary`, { headers: ADMIN })).json()) as {
        readonly by_route: readonly { readonly route: string; readonly requests: number }[]
      }
    const items = await until('both requests', async () =>
      (await summary()).by_route.find(({ requests }) => requests === 2),
    )
    expect(items.route).toMatch(/^\/items/)
    expect(JSON.stringify(await summary())).not.toContain('/admin/dashboard')
  })
})

it('is off by default', async () => {
  const usual = await startShop()
  expect((await fetch(`http://localhost:${usual.port}/admin/dashboard/`, { headers: ADMIN })).status).toBe(404)
})
