import { setTimeout as delay } from 'node:timers/promises'
import { inOrder, number, that } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'
import { json, replacementServer } from './replacement-server.ts'

// 4.7: a page from two services: the product service is required, the inventory service is optional.

const PRODUCT = { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }
const UNKNOWN = { stock: null, status: 'No se pudo verificar el stock' }
const COMPLETE = ok(
  inOrder({ product_info: inOrder(PRODUCT), inventory: inOrder({ stock: 42, status: 'Verificado' }) }),
  { shown: '200, stock 42 "Verificado"' },
)
const DEGRADED = ok(
  { product_info: PRODUCT, inventory: UNKNOWN },
  { withinMs: 2_500, shown: '200, stock null, within 2500 ms' },
)
const RETRY_AFTER = that('whole seconds, at least 1', (got) => /^[1-9]\d*$/.test(String(got)))
// The two breakers measure the failure rate over 30 s and 20 calls. Good calls after each failure keep them closed.
const GOOD_CALLS = 4
const RECOVERS_WITHIN_MS = 15_000
const RECOVERY_POLL_MS = 250
const WAVES_MAX = 8
const WAVE_CALLS = 40

const page = get('/product-details/mana-potion')
const options = { lane: '4.7', uses: ['product', 'inventory'] } as const

async function recover(walk: Walk): Promise<void> {
  await walk.clearFaults()
  for (let i = 0; i < GOOD_CALLS; i += 1) walk.judge(page, await walk.send(page), COMPLETE)
}

async function warned(walk: Walk, answer: Answer): Promise<void> {
  const lines = await walk.lines('shop', answer.headers['x-trace-id'] ?? '')
  walk.compare(
    'lines at warning in the trace',
    number(1),
    lines.filter((line) => line['log_level'] === 'warning').length,
  )
}

const degraded = (name: string, fault: unknown): Row =>
  scenario(
    '4.7b',
    `stock is null when the inventory ${name}`,
    async (walk) => {
      await walk.fault('inventory', fault)
      const answer = await walk.ask(page, DEGRADED)
      await recover(walk)
      // Judged last, so that the report shows this call.
      walk.judge(page, answer, DEGRADED)
      await warned(walk, answer)
    },
    options,
  )

const failed = (name: string, fault: unknown, status: number, code: string, message?: unknown): Row =>
  scenario(
    '4.7c',
    `returns ${status} when the product service ${name}`,
    async (walk) => {
      await walk.fault('product', fault)
      const answer = await walk.ask(page, refused(status, code, message, undefined, { withinMs: 2_500 }))
      await recover(walk)
      walk.judge(page, answer, refused(status, code, message))
    },
    options,
  )

const answering = (status: number): Row =>
  failed(`answers ${status}`, { status }, 502, 'UPSTREAM_ERROR', `El servicio de productos falló: ${status}`)

const SILENT = 'El servicio de productos falló: sin respuesta'

/** Sends waves of calls until `isOpen` returns true. */
async function untilOpen(walk: Walk, isOpen: () => Promise<boolean>): Promise<void> {
  // The breaker's window still has good calls of other rows, so several waves of failures may be needed.
  for (let wave = 0; wave < WAVES_MAX; wave += 1) {
    await Promise.all(Array.from({ length: WAVE_CALLS }, () => walk.send(page)))
    if (await isOpen()) return
  }
  walk.compare(`the breaker is open after ${WAVES_MAX * WAVE_CALLS} failed calls`, true, false)
}

async function closesAgain(walk: Walk): Promise<void> {
  await walk.clearFaults()
  await walk.until('the page is complete again', RECOVERS_WITHIN_MS, async () => {
    const { status, json } = await walk.send(page)
    const { inventory } = (json ?? {}) as { inventory?: { stock?: unknown } }
    // Limits the polling, because each good call counts for the breaker of the other service.
    await delay(RECOVERY_POLL_MS)
    return status === 200 && inventory?.stock === 42 ? true : undefined
  })
}

const DEPENDENCIES = [
  exchange(
    '4.7a',
    'the product service returns a product',
    get('/products/mana-potion', { to: 'product' }),
    ok(PRODUCT),
    options,
  ),
  exchange(
    '4.7a',
    'the inventory service fails when its query says so',
    get('/inventory/mana-potion?fail=true', { to: 'inventory' }),
    { status: 503 },
    options,
  ),
  exchange(
    '4.7a',
    'the inventory service returns 404 for an unknown id',
    get('/inventory/nada', { to: 'inventory' }),
    { status: 404 },
    options,
  ),
]

export const productDetails: readonly Row[] = [
  exchange('4.7a', 'returns product and stock when both services answer', page, COMPLETE, options),
  ...DEPENDENCIES,
  scenario(
    '4.7a',
    'calls both services concurrently',
    async (walk) => {
      await walk.fault('product', { latency_ms: 800 })
      await walk.fault('inventory', { latency_ms: 800 })
      await walk.ask(page, { ...COMPLETE, atLeastMs: 790, withinMs: 1_500 })
    },
    options,
  ),
  degraded('answers 503', { status: 503 }),
  degraded('answers 500', { status: 500 }),
  degraded('answers 404', { status: 404 }),
  degraded('resets the connection', { error: 'reset' }),
  degraded('is slow', { latency_ms: 5_000 }),
  degraded('sends invalid JSON', { body: 'corrupt' }),
  degraded('truncates the body', { body: 'truncated' }),
  degraded('stalls in the body', { body: 'stall' }),
  degraded('answers 500 slowly', { latency_ms: 1_500, status: 500 }),
  scenario(
    '4.7b',
    'stock is null when the inventory is down or sends no usable stock',
    async (walk) => {
      await walk.kill('inventory')
      const answer = await walk.ask(page, DEGRADED)
      const replacement = await replacementServer(walk.target.ports.inventory)
      if (replacement === undefined) walk.compare('the port of the killed service was free', true, false)
      else {
        for (const body of [{ product_id: 'mana-potion' }, { stock: null }, { stock: '42' }, [42]]) {
          replacement.answer = json(body)
          walk.judge(page, await walk.send(page), {
            ...DEGRADED,
            shown: `200, stock null, for ${JSON.stringify(body)}`,
          })
          replacement.answer = json({ product_id: 'mana-potion', stock: 42 })
          for (let i = 0; i < GOOD_CALLS; i += 1) walk.judge(page, await walk.send(page), COMPLETE)
        }
        await replacement.close()
      }
      await walk.untilBack('inventory', 15_000)
      await recover(walk)
      walk.judge(page, answer, DEGRADED)
    },
    options,
  ),
  answering(503),
  answering(500),
  answering(400),
  failed('resets the connection', { error: 'reset' }, 502, 'UPSTREAM_ERROR', SILENT),
  failed('sends invalid JSON', { body: 'corrupt' }, 502, 'UPSTREAM_ERROR', /^El servicio de productos falló: /),
  failed('truncates the body', { body: 'truncated' }, 502, 'UPSTREAM_ERROR', /^El servicio de productos falló: /),
  failed('does not answer in time', { latency_ms: 5_000 }, 504, 'UPSTREAM_TIMEOUT'),
  failed('stalls in the body', { body: 'stall' }, 504, 'UPSTREAM_TIMEOUT'),
  scenario(
    '4.7c',
    'retries the product service once',
    async (walk) => {
      await walk.fault('product', { status: 503 })
      const answer = await walk.ask(page, refused(502, 'UPSTREAM_ERROR'))
      await recover(walk)
      const traceId = answer.headers['x-trace-id'] ?? ''
      const requests = (await walk.lines('product', traceId)).filter((line) => line['event'] === 'http.request')
      walk.compare('requests that reached the product service', 2, requests.length)
    },
    options,
  ),
  exchange(
    '4.7c',
    'returns 404 for an unknown product',
    get('/product-details/nada'),
    refused(404, 'PRODUCT_NOT_FOUND'),
    options,
  ),
  scenario(
    '4.7c',
    'returns 502 while the product service is down, and recovers',
    async (walk) => {
      await walk.kill('product')
      const answer = await walk.ask(page, refused(502, 'UPSTREAM_ERROR', SILENT))
      await walk.untilBack('product', 12_000)
      await recover(walk)
      walk.judge(page, answer, refused(502, 'UPSTREAM_ERROR', SILENT))
    },
    options,
  ),
  scenario(
    '4.7b',
    'the inventory breaker opens: the page is quick without stock; then it closes',
    async (walk) => {
      await walk.fault('inventory', { latency_ms: 5_000 })
      let quickMs = Number.NaN
      await untilOpen(walk, async () => {
        const answer = await walk.send(page)
        walk.judge(page, answer, DEGRADED)
        quickMs = Math.round(answer.ms)
        return answer.ms < 500
      })
      await closesAgain(walk)
      walk.show(
        'GET /product-details/mana-potion',
        '200, stock null, within 500 ms',
        `200 in ${quickMs} ms, then complete`,
      )
    },
    options,
  ),
  scenario(
    '4.7c',
    'the product breaker opens: 503 CIRCUIT_OPEN with Retry-After; then it closes',
    async (walk) => {
      await walk.fault('product', { status: 503 })
      const open = refused(503, 'CIRCUIT_OPEN', 'Servicio no disponible (Circuito Abierto).', undefined, {
        withinMs: 500,
        headers: { 'retry-after': RETRY_AFTER },
      })
      await untilOpen(walk, async () => (await walk.send(page)).status === 503)
      const answer = await walk.ask(page, open)
      await closesAgain(walk)
      walk.judge(page, answer, open)
    },
    options,
  ),
]
