import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../helpers/processes.ts'
import { connectTo } from '../helpers/raw.ts'
import { posting } from '../helpers/requests.ts'
import { isRunningShop } from '../helpers/running-shop.ts'
import { factsOf, openShop, type Shop, startShop } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'

// 4.1: a business rule, a limit, and the tasks exercise of the chapter.

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
  // A running shop may have sold some. It starts again with a full stock after a crash.
  if (isRunningShop() && (await stock()) < 2) {
    await shop.ask('/crash-demo', { method: 'POST' })
    await until('the full stock', async () => (await stock().catch(() => 0)) === 2)
  }
})
afterAll(cleanUp)

const order = (cantidad: unknown, item_id: unknown = 'SuperPocion') =>
  shop.ask('/orders', posting({ item_id, cantidad }))
/** Reads the stock from the refusal of an order that is too large. */
const stock = async (): Promise<number> => {
  const { context } = (await order(1_000_000)).json as unknown as { context: { disponible: number } }
  return context.disponible
}
const soldOut = (solicitado: number, disponible: number) => [
  409,
  'STOCK_INSUFICIENTE',
  `No hay suficiente 'SuperPocion'. Pediste: ${solicitado}, Quedan: ${disponible}.`,
  { item_id: 'SuperPocion', solicitado, disponible },
]

test('4.1a: rejects an order above the stock with all the facts and keeps the stock', async () => {
  expect(factsOf(await order(10))).toEqual(soldOut(10, 2))
  expect(factsOf(await order(3))).toEqual(soldOut(3, 2))
})

test.each([0, -1, 1.5, '10', null, true, [1], {}, 1e300, undefined])(
  '4.1a: %j is not a valid quantity',
  async (cantidad) => {
    const [status, code, , context] = factsOf(await order(cantidad))
    expect([status, code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(context).toMatchObject({ errors: [{ in: 'body', pointer: '/cantidad' }] })
  },
)

test.each(['nada', '__proto__', 'constructor', ''])('4.1a: an order for the unknown item %j is 404', async (id) => {
  const message = `Item con ID '${id}' no encontrado.`
  expect(factsOf(await order(1, id))).toEqual([404, 'ITEM_NOT_FOUND', message, { recurso: 'Item', id }])
})

test('4.1a: an order lowers the stock; of 20 orders for the last potion one succeeds', async () => {
  const first = await order(1)
  expect([first.status, first.json]).toEqual([201, { id: expect.any(String), item_id: 'SuperPocion', cantidad: 1 }])
  expect(factsOf(await order(2))).toEqual(soldOut(2, 1))

  // In one packet, so that the shop has received all of them before it answers the first.
  const body = '{"item_id":"SuperPocion","cantidad":1}'
  const head = `POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`
  const connection = await connectTo(shop.port)
  connection.send(`${head}\r\n${body}`.repeat(19))
  connection.send(`${head}Connection: close\r\n\r\n${body}`)
  await connection.closed
  const statuses = [...connection.received().matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)
  expect(statuses.sort()).toEqual(['201', ...Array.from({ length: 19 }, () => '409')])
  expect(factsOf(await order(1))).toEqual(soldOut(1, 0))
  // Other items are still in stock.
  expect((await order(1, 'item2')).status).toBe(201)
})

test.each([
  ['', ['item1', 'item2', 'SuperPocion']],
  ['?limit=100', ['item1', 'item2', 'SuperPocion']],
  ['?limit=2', ['item1', 'item2']],
  ['?limit=001', ['item1']],
])('4.1b: GET /items%s lists the items', async (query, ids) => {
  const { status, json } = await shop.ask(`/items${query}`)
  expect(status).toBe(200)
  expect((json as unknown as readonly { readonly id: string }[]).map(({ id }) => id)).toEqual(ids)
})

test.each([101, 1_000, 999_999_999_999_999])('4.1b: a limit of %i exceeds the maximum', async (limit) => {
  const message = `Pediste ${limit} elementos y el máximo es 100.`
  expect(factsOf(await shop.ask(`/items?limit=${limit}`))).toEqual([
    400,
    'LIMIT_TOO_HIGH',
    message,
    { limit, max: 100 },
  ])
})

test.each(['0', '-1', '1.5', '1e3', '0x10', 'muchos', '', '%2B5', ' 5', '2&limit=3', '9'.repeat(400)])(
  '4.1b: limit=%s is not a valid limit',
  async (limit) => {
    const [status, code, , context] = factsOf(await shop.ask(`/items?limit=${limit}`))
    expect([status, code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(context).toMatchObject({ errors: [{ in: 'query', pointer: '/limit' }] })
  },
)

const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
const task = (fecha: unknown, titulo: unknown = 'Remover la poción') => shop.ask('/tareas', posting({ titulo, fecha }))

test.each(['nada', '__proto__', 'a/b'])('4.1c: task %s is unknown', async (id) => {
  const answer = await shop.ask(`/tareas/${encodeURIComponent(id)}`)
  expect(factsOf(answer)).toEqual([404, 'TAREA_NO_ENCONTRADA', `Tarea con ID '${id}' no encontrada.`, { id }])
})

test.each([() => '2001-01-01', () => '0000-01-01', () => day(-1)])(
  '4.1c: rejects a date before today (%#)',
  async (of) => {
    const fecha = of()
    const [status, code, message, context] = factsOf(await task(fecha))
    expect([status, code]).toEqual([400, 'FECHA_INVALIDA'])
    const { hoy } = context as { readonly hoy: string }
    expect(context).toEqual({ fecha, hoy: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
    expect(message).toBe(`La fecha '${fecha}' ya pasó: hoy es ${hoy} (UTC).`)
  },
)

test.each([() => day(0), () => day(400), () => '2096-02-29', () => '9999-12-31'])(
  '4.1c: creates a task for today or later and returns it (%#)',
  async (of) => {
    const fecha = of()
    const created = await task(fecha)
    expect([created.status, created.json]).toEqual([
      201,
      { id: expect.any(String), titulo: 'Remover la poción', fecha },
    ])
    const found = await shop.ask(created.headers.get('location') ?? '')
    expect([found.status, found.json]).toEqual([200, created.json])
  },
)

test.each([
  20_300_101,
  '01/02/2090',
  '2095-02-29',
  '2090-13-01',
  '2090-04-31',
  '2090-1-1',
  '2090-01-01T00:00',
  '',
  null,
])('4.1c: %j is not a valid date', async (fecha) => {
  const [status, code, , context] = factsOf(await task(fecha))
  expect([status, code]).toEqual([422, 'VALIDATION_ERROR'])
  expect(context).toMatchObject({ errors: [{ in: 'body', pointer: '/fecha' }] })
})

test.each([undefined, 5, '', 'x'.repeat(201)])('4.1c: %j is not a valid title', async (titulo) => {
  const { status, json } = await shop.ask('/tareas', posting({ titulo, fecha: day(1) }))
  expect([status, json.error_code, json.context.errors[0]?.pointer]).toEqual([422, 'VALIDATION_ERROR', '/titulo'])
})

test('4.2c, 4.1c: bounds what it keeps in memory: a specific error when full', async () => {
  const small = await startShop({ ESCUDO_ENTRIES_MAX: '2' })
  const user = (email: string) => small.ask('/users', posting({ email, nombre: 'T' }))
  // One user exists at the start.
  expect((await user('a@b')).status).toBe(200)
  const full = [507, 'ALMACEN_LLENO', 'La tienda está llena: guarda como máximo 2 (usuarios).']
  expect(factsOf(await user('c@d'))).toEqual([...full, { recurso: 'usuarios', max: 2 }])
  expect((await user('a@b')).json.error_code).toBe('EMAIL_ALREADY_EXISTS')
  expect((await user('sin-arroba')).json.error_code).toBe('INVALID_EMAIL_FORMAT')

  // Tasks have a separate bound, which also holds for concurrent requests.
  const tasks = await Promise.all(
    Array.from({ length: 10 }, () => small.ask('/tareas', posting({ titulo: 'x', fecha: day(1) }))),
  )
  expect(tasks.map(({ status }) => status).sort()).toEqual([201, 201, ...Array.from({ length: 8 }, () => 507)])
})
