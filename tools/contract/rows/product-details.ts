import { setTimeout as delay } from 'node:timers/promises'
import { inOrder, number, that } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'
import { impostorOn, json } from './impostor.ts'

// 4.7: a page made of a service that the shop cannot do without, and of one that it can.

const PRODUCT = { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }
const UNKNOWN = { stock: null, status: 'No se pudo verificar el stock' }
const WHOLE = ok(inOrder({ product_info: inOrder(PRODUCT), inventory: inOrder({ stock: 42, status: 'Verificado' }) }), {
  shown: '200, stock 42 "Verificado"',
})
const DEGRADED = ok(
  { product_info: PRODUCT, inventory: UNKNOWN },
  { withinMs: 2_500, shown: '200, stock null, within 2500 ms' },
)
const RETRY_AFTER = that('whole seconds, at least 1', (got) => /^[1-9]\d*$/.test(String(got)))
// Both failure rates are looked at over 30 s and 20 calls: single failures among good calls leave the circuits closed.
const GOOD_CALLS = 4
const RECOVERS_WITHIN_MS = 15_000
const RECOVERY_POLL_MS = 250
const WAVES_MAX = 8
const WAVE_CALLS = 40

const page = get('/product-details/mana-potion')
const options = { lane: '4.7', uses: ['product', 'inventory'] } as const

async function recover(walk: Walk): Promise<void> {
  await walk.mend()
  for (let i = 0; i < GOOD_CALLS; i += 1) walk.judge(page, await walk.send(page), WHOLE)
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
    `inventory: ${name}`,
    async (walk) => {
      await walk.fault('inventory', fault)
      const answer = await walk.ask(page, DEGRADED)
      await recover(walk)
      // Shown last, since it is what the row is about.
      walk.judge(page, answer, DEGRADED)
      await warned(walk, answer)
    },
    options,
  )

const failed = (name: string, fault: unknown, status: number, code: string, message?: unknown): Row =>
  scenario(
    '4.7c',
    `products: ${name}`,
    async (walk) => {
      await walk.fault('product', fault)
      const answer = await walk.ask(page, refused(status, code, message, undefined, { withinMs: 2_500 }))
      await recover(walk)
      walk.judge(page, answer, refused(status, code, message))
    },
    options,
  )

const says = (status: number): Row =>
  failed(`says ${status}`, { status }, 502, 'UPSTREAM_ERROR', `El servicio de productos falló: ${status}`)

const SILENT = 'El servicio de productos falló: sin respuesta'

/** Calls in waves until one is quick, then looks for the change in the log. */
async function untilOpen(walk: Walk, quick: () => Promise<boolean>): Promise<void> {
  // Good calls of other rows are still in the breaker's window: as many bad ones are needed.
  for (let wave = 0; wave < WAVES_MAX; wave += 1) {
    await Promise.all(Array.from({ length: WAVE_CALLS }, () => walk.send(page)))
    if (await quick()) return
  }
  walk.compare(`the circuit is open after ${WAVES_MAX * WAVE_CALLS} failed calls`, true, false)
}

async function closesAgain(walk: Walk): Promise<void> {
  await walk.mend()
  await walk.until('the page is whole again', RECOVERS_WITHIN_MS, async () => {
    const { status, json } = await walk.send(page)
    const { inventory } = (json ?? {}) as { inventory?: { stock?: unknown } }
    // Not too often: every good call would count for the other service's breaker.
    await delay(RECOVERY_POLL_MS)
    return status === 200 && inventory?.stock === 42 ? true : undefined
  })
}

const DEPENDENCIES = [
  exchange(
    '4.7a',
    'the product service, as it is by itself',
    get('/products/mana-potion', { to: 'product' }),
    ok(PRODUCT),
    options,
  ),
  exchange(
    '4.7a',
    'the inventory service, told to fail by its own query',
    get('/inventory/mana-potion?fail=true', { to: 'inventory' }),
    { status: 503 },
    options,
  ),
  exchange(
    '4.7a',
    'the inventory service knows no other id',
    get('/inventory/nada', { to: 'inventory' }),
    { status: 404 },
    options,
  ),
]

export const productDetails: readonly Row[] = [
  exchange('4.7a', 'both well', page, WHOLE, options),
  ...DEPENDENCIES,
  scenario(
    '4.7a',
    'both are called concurrently',
    async (walk) => {
      await walk.fault('product', { latency_ms: 800 })
      await walk.fault('inventory', { latency_ms: 800 })
      await walk.ask(page, { ...WHOLE, atLeastMs: 790, withinMs: 1_500 })
    },
    options,
  ),
  degraded('503', { status: 503 }),
  degraded('500', { status: 500 }),
  degraded('404', { status: 404 }),
  degraded('a reset', { error: 'reset' }),
  degraded('slow', { latency_ms: 5_000 }),
  degraded('broken JSON', { body: 'corrupt' }),
  degraded('a body that breaks off', { body: 'truncated' }),
  degraded('a body that stalls', { body: 'stall' }),
  degraded('slow and then 500', { latency_ms: 1_500, status: 500 }),
  scenario(
    '4.7b',
    'inventory: process dead (refused), then answers without a usable stock',
    async (walk) => {
      await walk.kill('inventory')
      const answer = await walk.ask(page, DEGRADED)
      const impostor = await impostorOn(walk.target.ports.inventory)
      if (impostor === undefined) walk.compare('the port of the killed service was free', true, false)
      else {
        for (const body of [{ product_id: 'mana-potion' }, { stock: null }, { stock: '42' }, [42]]) {
          impostor.answer = json(body)
          walk.judge(page, await walk.send(page), {
            ...DEGRADED,
            shown: `200, stock null, for ${JSON.stringify(body)}`,
          })
          impostor.answer = json({ product_id: 'mana-potion', stock: 42 })
          for (let i = 0; i < GOOD_CALLS; i += 1) walk.judge(page, await walk.send(page), WHOLE)
        }
        await impostor.close()
      }
      await walk.untilBack('inventory', 15_000)
      await recover(walk)
      walk.judge(page, answer, DEGRADED)
    },
    options,
  ),
  says(503),
  says(500),
  says(400),
  failed('a reset', { error: 'reset' }, 502, 'UPSTREAM_ERROR', SILENT),
  failed('broken JSON', { body: 'corrupt' }, 502, 'UPSTREAM_ERROR', /^El servicio de productos falló: /),
  failed('a body that breaks off', { body: 'truncated' }, 502, 'UPSTREAM_ERROR', /^El servicio de productos falló: /),
  failed('no answer in time', { latency_ms: 5_000 }, 504, 'UPSTREAM_TIMEOUT'),
  failed('a body that stalls', { body: 'stall' }, 504, 'UPSTREAM_TIMEOUT'),
  scenario(
    '4.7c',
    'products: one retry',
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
  exchange('4.7c', 'products: its own 404', get('/product-details/nada'), refused(404, 'PRODUCT_NOT_FOUND'), options),
  scenario(
    '4.7c',
    'products: process dead, and back',
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
    'inventory: its breaker turns the wait into none when the trouble lasts, and closes again',
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
        `200 in ${quickMs} ms, then whole`,
      )
    },
    options,
  ),
  scenario(
    '4.7c',
    'products: its breaker open gives 503 CIRCUIT_OPEN with Retry-After, and closes again',
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
