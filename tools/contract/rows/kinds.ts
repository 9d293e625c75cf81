import { absent, including, number, text } from '../matching/pattern.ts'
import { refused } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import { get, post, type WireRequest } from '../wire/request.ts'

// 4.3: business and technical errors: their log levels, and which of them count for a circuit breaker.

const business = (request: WireRequest, status: number, code: string, log_level: 'info' | 'warning'): Row =>
  scenario('4.3', `${status} ${code} is business: level ${log_level}, no stack`, async (walk) => {
    const answer = await walk.ask(request, refused(status, code))
    await walk.logged(
      'shop',
      answer,
      {
        ...{ event: 'http_error', log_level, status_code: status, error_code: code, error_kind: 'business' },
        ...{ detail: text, path: request.path.split('?')[0], error_stack: absent },
      },
      { event: 'http.request', status_code: status },
    )
  })

export const kinds: readonly Row[] = [
  business(post('/users', {}), 422, 'VALIDATION_ERROR', 'info'),
  business(get('/items?limit=1000'), 400, 'LIMIT_TOO_HIGH', 'info'),
  business(get('/secure_data'), 401, 'AUTENTICACION_FALLIDA', 'warning'),
  business(get('/admin/shields', { headers: { 'x-token': 'secreto123' } }), 403, 'ACCESO_PROHIBIDO', 'warning'),
  business(get('/items/nada'), 404, 'ITEM_NOT_FOUND', 'info'),
  business(post('/users', { email: 'test@example.com', nombre: 'T' }), 409, 'EMAIL_ALREADY_EXISTS', 'info'),
  business(get('/no/such/route'), 404, 'ROUTE_NOT_FOUND', 'info'),
  scenario('4.3', '500 is technical: level error, with its stack', async (walk) => {
    const answer = await walk.ask(get('/error-servidor'), refused(500, 'INTERNAL_SERVER_ERROR'))
    await walk.logged('shop', answer, {
      ...{ event: 'http_error', log_level: 'error', status_code: 500, error_code: 'INTERNAL_SERVER_ERROR' },
      ...{ error_kind: 'technical', error_type: text, error_stack: /\n +at /, path: '/error-servidor' },
    })
  }),
  scenario(
    '4.3',
    'a failing dependency is technical: level error',
    async (walk) => {
      await walk.fault('product', { status: 503 })
      const asked = get('/product-details/mana-potion')
      const answer = await walk.ask(asked, refused(502, 'UPSTREAM_ERROR'))
      await walk.clearFaults()
      await walk.logged('shop', answer, {
        ...{ event: 'http_error', log_level: 'error', status_code: 502, error_kind: 'technical', error_stack: text },
      })
      for (let i = 0; i < 4; i += 1) await walk.ask(asked, { status: 200 })
    },
    { lane: '4.7', uses: ['product', 'inventory'] },
  ),
  scenario(
    '4.3',
    '30 business errors do not open the breaker',
    async (walk) => {
      for (let i = 0; i < 30; i += 1) await walk.ask(get('/product-details/nada'), refused(404, 'PRODUCT_NOT_FOUND'))
      await walk.ask(get('/product-details/mana-potion'), { status: 200 })
    },
    { lane: '4.7', uses: ['product', 'inventory'] },
  ),
  scenario('4.3', 'the dashboard counts errors by kind', async (walk) => {
    const kindsSoFar = async () => countsOf((await walk.send(get('/api/summary', { to: 'dashboard' }))).json)
    const before = await kindsSoFar()
    await walk.send(get('/items/nada'))
    await walk.send(get('/error-servidor'))
    await walk.until('both errors are counted', 2_000, async () => {
      const now = await kindsSoFar()
      return now.business > before.business && now.technical > before.technical ? true : undefined
    })
    const shape = including({ by_kind: including({ business: number(1), technical: number(1) }) })
    await walk.ask(get('/api/summary', { to: 'dashboard' }), { status: 200, json: shape })
  }),
]

function countsOf(json: unknown): { readonly business: number; readonly technical: number } {
  const { by_kind } = (json ?? {}) as { by_kind?: { business?: number; technical?: number } }
  return { business: by_kind?.business ?? Number.NaN, technical: by_kind?.technical ?? Number.NaN }
}
