import { randomBytes } from 'node:crypto'
import { not } from '../matching/pattern.ts'
import { ok, refused, TRACE_ID } from '../walk/expectation.ts'
import { type Row, type RowOptions, scenario } from '../walk/row.ts'
import { get, type Service } from '../wire/request.ts'

// 4.8: one trace id for a request: in its answer, in its log lines, and in those of the services that it calls.

const NEVER_ALL_ZERO = '1'
const hex = (digits: number): string => NEVER_ALL_ZERO + randomBytes(digits).toString('hex').slice(1, digits)

const propagated = (path: string, reached: readonly Service[], options: RowOptions): Row =>
  scenario(
    '4.8c',
    `${path} passes the caller's trace to ${reached.join(' and ')}`,
    async (walk) => {
      const traceId = hex(32)
      const parent = hex(16)
      const headers = { traceparent: `00-${traceId}-${parent}-01` }
      if (options.uses?.includes('flaky') === true) await walk.fault('flaky', { rate: 0 })
      const answer = await walk.ask(get(path, { headers }), {
        status: 200,
        headers: { 'x-trace-id': traceId },
        shown: 'the same trace id everywhere',
      })
      const lines = await walk.logged('shop', answer, { event: 'http.request' })
      const spans = new Set([parent, ...lines.map((line) => line['span_id'])])
      for (const service of reached) {
        const logged = await walk.lines(service, traceId)
        const requests = logged.filter((line) => line['event'] === 'http.request')
        walk.compare(`at least 1 http.request line of the trace in ${service}`, true, requests.length >= 1)
        // Each service needs a separate span; with a shared one their lines are indistinguishable.
        for (const line of requests)
          walk.compare(`span_id in ${service} is already used`, false, spans.has(line['span_id']))
      }
    },
    options,
  )

const restarted = (name: string, traceparent: string): Row =>
  scenario('4.8c', `starts a new trace for a traceparent with ${name}`, async (walk) => {
    const answer = await walk.ask(get('/items/item1', { headers: { traceparent } }), {
      status: 200,
      headers: { 'x-trace-id': TRACE_ID },
      shown: 'a new trace id',
    })
    walk.compare('X-Trace-ID', not(traceparent.split('-')[1]?.toLowerCase()), answer.headers['x-trace-id'])
  })

export const traces: readonly Row[] = [
  scenario('4.8a', 'logs a warning for the user admin', async (walk) => {
    const answer = await walk.ask(get('/user/admin'), ok({ user: 'admin', status: 'ok' }))
    await walk.logged(
      'shop',
      answer,
      { event: 'user_lookup_started', log_level: 'info', user_id: 'admin' },
      { event: 'admin_user_accessed', log_level: 'warning', permissions: 'full' },
      { event: 'http.request', status_code: 200, log_level: 'info' },
    )
  }),
  scenario('4.8b', 'logs the 404 for the unknown user bob', async (walk) => {
    const answer = await walk.ask(get('/user/bob'), refused(404, 'USUARIO_NO_ENCONTRADO', 'Usuario no encontrado'))
    await walk.logged(
      'shop',
      answer,
      { event: 'user_lookup_started', log_level: 'info', user_id: 'bob' },
      { event: 'http_error', log_level: 'info', status_code: 404, detail: 'Usuario no encontrado', path: '/user/bob' },
      { event: 'http.request', status_code: 404 },
    )
  }),
  propagated('/product-details/mana-potion', ['product', 'inventory'], { lane: '4.7', uses: ['product', 'inventory'] }),
  propagated('/call-service', ['flaky'], { lane: 'flaky', uses: ['flaky'] }),
  propagated('/bulkhead-demo/c?ms=0', ['flaky'], { lane: 'flaky', uses: ['flaky'] }),
  propagated('/call-external', ['flaky'], { lane: '4.6', uses: ['flaky'] }),
  scenario('4.8c', 'uses the trace id of the caller in successful answers and errors', async (walk) => {
    for (const path of ['/items/item1', '/items/nada', '/error-servidor', '/no/such/route']) {
      const traceId = hex(32)
      const headers = { traceparent: `00-${traceId}-${hex(16)}-00` }
      await walk.ask(get(path, { headers }), { headers: { 'x-trace-id': traceId }, shown: "the caller's trace id" })
    }
  }),
  restarted('upper-case letters', `00-${hex(32).toUpperCase().replace(/^1/, 'A')}-${hex(16)}-01`),
  restarted('version ff', `ff-${hex(32)}-${hex(16)}-01`),
  restarted('a trace id of zeros', `00-${'0'.repeat(32)}-${hex(16)}-01`),
  restarted('a parent id of zeros', `00-${hex(32)}-${'0'.repeat(16)}-01`),
  restarted('a suffix', `00-${hex(32)}-${hex(16)}-01-x`),
  restarted('too few digits', `00-${hex(31)}-${hex(16)}-01`),
]
