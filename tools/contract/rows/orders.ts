import { differences } from '../matching/differences.ts'
import { including, listOf, number } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get, post } from '../wire/request.ts'
import { FINDING } from './error-body.ts'

// 4.1: a global strategy. Business rules, the chapter's exercise, and a process that crashes.

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

/** What is left, from the refusal of an order that no stock could meet. */
async function stockOf(walk: Walk): Promise<number> {
  const { json } = await walk.send(order(1_000_000))
  const left = including({ context: including({ disponible: number(0) }) })
  if (differences(left, json, '').length > 0) return Number.NaN
  return (json as { context: { disponible: number } }).context.disponible
}

export const orders: readonly Row[] = [
  scenario('4.1a', 'more than there is: 10 of 2', async (walk) => {
    const left = walk.target.own === undefined ? await stockOf(walk) : 2
    await walk.ask(order(left + 8), outOfStock(left + 8, left))
  }),
  ...[0, -1, 1.5, '10', null, true, [1], {}].map((cantidad) =>
    exchange('4.1a', `cantidad ${JSON.stringify(cantidad)} is none`, order(cantidad), INVALID),
  ),
  exchange('4.1a', 'cantidad missing', post('/orders', { item_id: ITEM }), INVALID),
  exchange('4.1a', 'an unknown item', order(1, 'nada'), refused(404, 'ITEM_NOT_FOUND')),
  scenario('4.1a', 'within stock 201, the stock falls, and of two at once for the last one wins', async (walk) => {
    let left = await stockOf(walk)
    if (left < 1) walk.pending('everything is sold already; start the shop again')
    for (; left > 1; left -= 1) await walk.ask(order(1), { status: 201 })
    await walk.ask(order(10), outOfStock(10, 1))
    const both = await Promise.all([walk.send(order(1)), walk.send(order(1))])
    const [won, lost] = both.toSorted((a, b) => a.status - b.status) as [Answer, Answer]
    walk.judge(order(1), won, { status: 201 })
    walk.judge(order(1), lost, outOfStock(1, 0))
  }),
  exchange(
    '4.1b',
    'well formed, but over the limit',
    get('/items?limit=1000'),
    refused(400, 'LIMIT_TOO_HIGH', undefined, { limit: 1000, max: 100 }),
  ),
  exchange('4.1b', 'the list', get('/items'), ok(listOf(including({}), 1), { shown: '200 a list' })),
  exchange('4.1b', 'the limit itself is allowed', get('/items?limit=100'), ok(listOf(including({}), 1))),
  exchange('4.1c', 'an unknown task', get('/tareas/nada'), refused(404, 'TAREA_NO_ENCONTRADA')),
  exchange('4.1c', 'a date of the past', task('2001-01-01'), refused(400, 'FECHA_INVALIDA')),
  exchange('4.1c', 'yesterday, in UTC', task(today(-1)), refused(400, 'FECHA_INVALIDA')),
  exchange('4.1c', 'today, in UTC', task(today()), { status: 201 }),
  exchange('4.1c', 'a date to come', task(today(400)), { status: 201 }),
  exchange('4.1c', 'a date that is no text', task(20_300_101), INVALID),
  exchange('4.1c', 'a date of another form', task('01/02/2090'), INVALID),
  exchange('4.1c', 'no title', post('/tareas', { fecha: today(1) }), INVALID),
]
