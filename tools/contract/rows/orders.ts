import { differences } from '../matching/differences.ts'
import { including, listOf, number } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get, post } from '../wire/request.ts'
import { FINDING } from './error-body.ts'

// 4.1: a global error strategy: business rules and the chapter's exercise.

const ITEM = 'SuperPocion'
const order = (cantidad: unknown, item_id: unknown = ITEM) => post('/orders', { item_id, cantidad })

const outOfStock = (solicitado: number, disponible: number) =>
  refused(409, 'STOCK_INSUFICIENTE', `No hay suficiente '${ITEM}'. Pediste: ${solicitado}, Quedan: ${disponible}.`, {
    item_id: ITEM,
    solicitado,
    disponible,
  })

const INVALID = refused(422, 'VALIDATION_ERROR', undefined, { errors: listOf(FINDING, 1) })

const today = (days = 0): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
const task = (fecha: unknown, titulo: unknown = 'Remover la poción') => post('/tareas', { titulo, fecha })

/** Returns the stock, read from the rejection of an order that is too large. */
async function stockOf(walk: Walk): Promise<number> {
  const { json } = await walk.send(order(1_000_000))
  const hasStock = including({ context: including({ disponible: number(0) }) })
  if (differences(hasStock, json, '').length > 0) return Number.NaN
  return (json as { context: { disponible: number } }).context.disponible
}

export const orders: readonly Row[] = [
  scenario('4.1a', 'rejects an order for more than the stock, 10 of 2', async (walk) => {
    const left = walk.target.own === undefined ? await stockOf(walk) : 2
    await walk.ask(order(left + 8), outOfStock(left + 8, left))
  }),
  ...[0, -1, 1.5, '10', null, true, [1], {}].map((cantidad) =>
    exchange('4.1a', `rejects cantidad ${JSON.stringify(cantidad)}`, order(cantidad), INVALID),
  ),
  exchange('4.1a', 'rejects an order without cantidad', post('/orders', { item_id: ITEM }), INVALID),
  exchange('4.1a', 'rejects an order for an unknown item', order(1, 'nada'), refused(404, 'ITEM_NOT_FOUND')),
  scenario('4.1a', 'accepts orders within stock; of two concurrent orders for the last item one wins', async (walk) => {
    let left = await stockOf(walk)
    if (left < 1) walk.pending('everything is sold; restart the shop')
    for (; left > 1; left -= 1) await walk.ask(order(1), { status: 201 })
    await walk.ask(order(10), outOfStock(10, 1))
    const both = await Promise.all([walk.send(order(1)), walk.send(order(1))])
    const [won, lost] = both.toSorted((a, b) => a.status - b.status) as [Answer, Answer]
    walk.judge(order(1), won, { status: 201 })
    walk.judge(order(1), lost, outOfStock(1, 0))
  }),
  exchange(
    '4.1b',
    'rejects a limit above 100',
    get('/items?limit=1000'),
    refused(400, 'LIMIT_TOO_HIGH', undefined, { limit: 1000, max: 100 }),
  ),
  exchange('4.1b', 'returns the list of items', get('/items'), ok(listOf(including({}), 1), { shown: '200 a list' })),
  exchange('4.1b', 'accepts a limit of exactly 100', get('/items?limit=100'), ok(listOf(including({}), 1))),
  exchange('4.1c', 'returns 404 for an unknown task', get('/tareas/nada'), refused(404, 'TAREA_NO_ENCONTRADA')),
  exchange('4.1c', 'rejects a date in the past', task('2001-01-01'), refused(400, 'FECHA_INVALIDA')),
  exchange('4.1c', 'rejects yesterday in UTC', task(today(-1)), refused(400, 'FECHA_INVALIDA')),
  exchange('4.1c', 'accepts today in UTC', task(today()), { status: 201 }),
  exchange('4.1c', 'accepts a date in the future', task(today(400)), { status: 201 }),
  exchange('4.1c', 'rejects a date that is not text', task(20_300_101), INVALID),
  exchange('4.1c', 'rejects a date in another format', task('01/02/2090'), INVALID),
  exchange('4.1c', 'rejects a task without a title', post('/tareas', { fecha: today(1) }), INVALID),
]
