import type { GoldenAnswer } from './golden.ts'
import type { ConformanceRoutes } from './routes.ts'

// The routes of the small service in examples/frameworks, which exists once for each framework.

const BUGS = [
  'error',
  'string',
  'null',
  'undefined',
  'number',
  'promise',
  'frozen',
  'cyclic-cause',
  'aggregate',
  'status-200',
  'status-999',
  'axios-401',
  'getter',
  'huge-message',
]
const CONTEXTS = ['circular', 'bigint', 'map', 'getter', 'proxy', 'proto', 'deep', 'symbol']
const BUG = { status: 500, code: 'INTERNAL_SERVER_ERROR', context: {} }
const NOT_FOUND = { path: '/items/nope', status: 404, code: 'ITEM_NOT_FOUND', context: { id: 'nope' } }

const UPSTREAM: readonly (readonly [how: string, status: number, code: string])[] = [
  ['open', 503, 'CIRCUIT_OPEN'],
  ['full', 503, 'BULKHEAD_FULL'],
  ['timeout', 504, 'UPSTREAM_TIMEOUT'],
  ['refused', 502, 'UPSTREAM_ERROR'],
  ['401', 502, 'UPSTREAM_ERROR'],
]

const GOLDEN: readonly GoldenAnswer[] = [
  { path: '/items/1', status: 200, json: { id: '1', nombre: 'Poción' } },
  { path: '/items/1?lang=en', status: 200, json: { id: '1', nombre: 'Poción' } },
  { method: 'HEAD', path: '/items/1', status: 200 },
  { ...NOT_FOUND, headers: { 'Accept-Language': 'en' }, message: /not found/ },
  { ...NOT_FOUND, headers: { 'Accept-Language': 'es-MX' }, message: /no encontrado/ },
  { ...NOT_FOUND, headers: { 'Accept-Language': 'es;q=0, en' }, message: /not found/ },
  { ...NOT_FOUND, method: 'HEAD' },
  {
    ...NOT_FOUND,
    headers: { Accept: 'application/problem+json' },
    answerHeaders: { 'content-type': 'application/problem+json' },
  },
  { ...NOT_FOUND, headers: { Accept: 'image/png' } },
  {
    method: 'POST',
    path: '/users',
    body: { email: 'a@b', nombre: 'Ana' },
    status: 201,
    json: { email: 'a@b', nombre: 'Ana' },
  },
  { method: 'POST', path: '/users', body: { email: 5, nombre: 'Ana' }, status: 422, code: 'VALIDATION_ERROR' },
  { method: 'POST', path: '/users', body: {}, status: 422, code: 'VALIDATION_ERROR' },
  { method: 'POST', path: '/users', body: [], status: 422, code: 'VALIDATION_ERROR' },
  { method: 'POST', path: '/users', body: null, status: 422, code: 'VALIDATION_ERROR' },
  ...BUGS.map((what): GoldenAnswer => ({ path: `/throw/${what}`, ...BUG })),
  ...CONTEXTS.map((kind): GoldenAnswer => ({ path: `/context/${kind}`, status: 409, code: 'AWKWARD_CONTEXT' })),
  { path: '/throw-after-cache-headers', ...BUG, answerHeaders: { 'cache-control': 'no-store', etag: undefined } },
  ...UPSTREAM.map(
    ([how, status, code]): GoldenAnswer => ({
      path: `/upstream/${how}`,
      status,
      code,
      answerHeaders: { 'www-authenticate': undefined },
    }),
  ),
  { path: '/stream-then-throw', status: 200, isBroken: true },
  { path: '/deadline', headers: { 'X-Request-Timeout-Ms': '5000' }, status: 200, text: /^(?:[1-4]\d{3}|5000)$/ },
  { path: '/deadline', headers: { 'X-Request-Timeout-Ms': '999999999' }, status: 200, text: /^(?:5\d{4}|60000)$/ },
]

export const SMALL_SERVICE: ConformanceRoutes = {
  get: '/items/1',
  parameter: '/items/1',
  post: { path: '/users', body: { email: 'ana@example.com', nombre: 'Ana' } },
  golden: GOLDEN,
}
