import type { StormRequest } from './storm-client.ts'
import { head } from './wire.ts'

type Draw = () => number
type Maker = (draw: Draw) => Partial<StormRequest> & { readonly path?: string }

/** Valid and invalid requests for every route except the one that crashes the shop, each with its weight. */
const MIX: readonly (readonly [number, Maker])[] = [
  [
    80,
    (draw) => ({ path: `/items/${pick(draw, ['item1', 'item2', 'SuperPocion', 'nada', '__proto__', '%20', '{id}'])}` }),
  ],
  [40, (draw) => ({ path: `/items${pick(draw, ['', '?limit=1', '?limit=1000', '?limit=x', '?limit=-1'])}` })],
  [
    50,
    (draw) =>
      posted('/orders', {
        item_id: pick(draw, ['SuperPocion', 'nada', 'item1', 5]),
        cantidad: pick(draw, [1, 10, 0, -1, 1.5, '3', null]),
      }),
  ],
  [
    40,
    (draw) =>
      posted('/tareas', {
        titulo: `t${whole(draw, 1e6)}`,
        fecha: pick(draw, ['2099-12-31', '2000-01-01', '2026-02-30', '', 5]),
      }),
  ],
  [20, (draw) => ({ path: `/tareas/${whole(draw, 1e9)}` })],
  // From a limited set, so that most of these users exist after a while.
  [80, (draw) => posted('/users', { email: `u${whole(draw, 400)}@example.com`, nombre: `n${whole(draw, 1e6)}` })],
  [
    30,
    (draw) =>
      posted(
        '/users',
        pick(draw, [
          {},
          [],
          'text',
          5,
          null,
          { email: 5, nombre: 'T' },
          { email: 'x', nombre: 'T' },
          { email: 'test@example.com', nombre: 'T' },
        ]),
      ),
  ],
  [30, (draw) => ({ path: '/secure_data', headers: token(draw) })],
  [10, (draw) => ({ path: '/admin/shields', headers: token(draw) })],
  [10, (draw) => ({ path: '/admin/errors', headers: token(draw) })],
  [
    5,
    (draw) => ({
      ...posted(`/admin/shields/${pick(draw, ['external', 'products', 'inventory', 'nada'])}/circuitBreaker`, {
        action: pick(draw, ['isolate', 'reset', 'reset', 'reset', 'explode']),
      }),
      headers: { ...JSON_TYPE, ...token(draw) },
    }),
  ],
  [60, (draw) => ({ path: pick(draw, ['/call-service', '/call-service/']) })],
  [80, () => ({ path: '/call-external' })],
  [
    100,
    (draw) => ({
      path: `/product-details/${pick(draw, ['mana-potion', 'mana-potion', 'mana-potion', 'nada', '..%2f..%2f'])}`,
    }),
  ],
  [
    70,
    (draw) => ({
      path: `/bulkhead-demo/${pick(draw, ['a', 'b', 'c', 'd'])}?ms=${pick(draw, [0, 0, 5, 20, 10_001, 'x'])}`,
    }),
  ],
  [30, () => ({ path: '/breaker-status' })],
  [40, (draw) => ({ path: `/user/${pick(draw, ['admin', 'bob', `u${whole(draw, 1e6)}`])}` })],
  [60, (draw) => ({ path: pick(draw, ['/', '/', '/error-cliente', '/error-servidor', '/healthz']) })],
  [1, () => ({ path: '/lento' })],
  // Requests that match no route or that no route can read.
  [30, (draw) => ({ path: `/nada/${whole(draw, 1e9)}`, method: pick(draw, ['GET', 'POST', 'DELETE', 'HEAD']) })],
  [
    20,
    (draw) => ({
      path: pick(draw, ['/items/item1', '/users', '/', '/call-external']),
      method: pick(draw, ['DELETE', 'PATCH', 'PUT', 'PURGE']),
    }),
  ],
  [
    20,
    (draw) => ({
      ...posted('/users', ''),
      body: pick(draw, ['{', '', '\0', '{"__proto__":1}', '['.repeat(1_000), '"\ud800"']),
    }),
  ],
  [
    15,
    (draw) => ({
      ...posted('/orders', {}),
      headers: {
        'content-type': pick(draw, ['text/plain', 'application/xml', 'rubbish', 'application/json; charset=utf-16']),
      },
    }),
  ],
  [
    10,
    (draw) => ({
      path: pick(draw, ['/items/%zz', '/user/%c3', `/items/${'x'.repeat(5_000)}`, `/?${'x'.repeat(9_000)}`]),
    }),
  ],
  [5, () => ({ path: '/', headers: { 'x-long': 'x'.repeat(18_000) } })],
  [1, () => ({ ...posted('/users', ''), body: `"${'x'.repeat(1_100_000)}"` })],
  [
    10,
    (draw) => ({
      path: '/nada',
      headers: { 'accept-language': pick(draw, ['en', 'es;q=0', '*', 'x'.repeat(3_000), ';;;']) },
    }),
  ],
  [10, () => ({ path: '/items/nada', headers: { accept: 'application/problem+json' } })],
  [
    10,
    (draw) => ({
      bytes: pick(draw, [
        'rubbish\r\n\r\n',
        'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
        head('GET /', 'Expect: x'),
        head('GET /', 'Host: y'),
        head('CONNECT x:1'),
        head('GET /nada', 'traceparent: rubbish'),
      ]),
    }),
  ],
  // Clients that disconnect before the answer.
  [
    15,
    (draw) => ({
      path: pick(draw, ['/call-service', '/product-details/mana-potion', '/bulkhead-demo/a?ms=50', '/']),
      disconnectsAfterMs: whole(draw, 20),
    }),
  ],
]

const TOTAL = MIX.reduce((sum, [weight]) => sum + weight, 0)
const JSON_TYPE = { 'content-type': 'application/json' } as const

/** Draws the next request. */
export function drawRequest(draw: Draw): StormRequest {
  const at = draw() * TOTAL
  let sum = 0
  for (const [weight, make] of MIX) {
    sum += weight
    if (at < sum) return { method: 'GET', path: '/', headers: {}, ...make(draw) }
  }
  throw new Error('the draw is not below 1')
}

/** Draws the next fault of a dependency. Most faults are fast, because the test is short. */
export function drawFault(draw: Draw): Readonly<Record<string, unknown>> {
  return pick(draw, [
    { rate: 0 },
    { rate: 0 },
    { rate: 0 },
    { status: 503, rate: 0.5 },
    { status: 500 },
    { status: 404, rate: 0.3 },
    { error: 'reset', rate: 0.5 },
    { body: 'corrupt', rate: 0.5 },
    { body: 'truncated', rate: 0.5 },
    { latency_ms: 40, jitter_ms: 30 },
    { latency_ms: 5_000, rate: 0.01 },
    { body: 'stall', rate: 0.01 },
  ])
}

function posted(
  path: string,
  body: unknown,
): { method: string; path: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', path, headers: { ...JSON_TYPE }, body: JSON.stringify(body) }
}

function token(draw: Draw): Record<string, string> {
  const value = pick(draw, ['secreto123', 'admin123', 'wrong', undefined])
  return value === undefined ? {} : { 'x-token': value }
}

function whole(draw: Draw, below: number): number {
  return Math.floor(draw() * below)
}

/** Draws one of several values. */
export function pick<T>(draw: Draw, values: readonly T[]): T {
  return values[whole(draw, values.length)] as T
}
