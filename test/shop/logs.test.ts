import { afterAll, beforeAll, expect, test } from 'vitest'
import { formProblem } from './helpers/form.ts'
import { endAll } from './helpers/processes.ts'
import { type Answer, askPort } from './helpers/requests.ts'
import { type Services, services } from './helpers/services.ts'
import type { Line } from './helpers/system.ts'

// 4.8 and 4.9a: lines of the shop's own code beside those of the toolkit, and the traffic that a dashboard shows.

let all: Services

beforeAll(async () => {
  all = await services()
  await all.start('shop')
})
afterAll(async () => {
  await endAll()
  await all.remove()
})

async function traced(path: string): Promise<readonly [Answer, readonly Line[]]> {
  const answer = await askPort(all.ports.shop, path)
  const { status, headers, text } = answer
  expect(formProblem({ status, headers, text })).toBeUndefined()
  return [answer, await all.trace(headers.get('x-trace-id') ?? '')]
}

test('4.8a: the admin is found, and his lines stand in order under one trace', async () => {
  const [{ status, json }, lines] = await traced('/user/admin')
  expect([status, json]).toEqual([200, { user: 'admin', status: 'ok' }])
  expect(lines).toMatchObject([
    { event: 'user_lookup_started', log_level: 'info', user_id: 'admin' },
    { event: 'admin_user_accessed', log_level: 'warning', permissions: 'full' },
    { event: 'http.request', log_level: 'info', route: '/user/:id', path: '/user/admin', status_code: 200 },
  ])
  // Of the code's own lines each has what the contract names, and the span as well.
  expect(Object.keys(lines[0] ?? {}).sort()).toEqual(
    ['event', 'log_level', 'service', 'span_id', 'timestamp', 'trace_id', 'user_id'].sort(),
  )
  expect(new Set(lines.map((line) => line['span_id'])).size).toBe(1)
})

test('4.8b: bob is not found: the lookup, the error, the request, under the trace that the client is told', async () => {
  const [{ status, json }, lines] = await traced('/user/bob')
  expect([status, json.error_code, json.message, json.context]).toEqual([
    404,
    'USUARIO_NO_ENCONTRADO',
    'Usuario no encontrado',
    {},
  ])
  expect(lines).toMatchObject([
    { event: 'user_lookup_started', log_level: 'info', user_id: 'bob' },
    {
      event: 'http_error',
      log_level: 'info',
      status_code: 404,
      detail: 'Usuario no encontrado',
      path: '/user/bob',
      error_code: 'USUARIO_NO_ENCONTRADO',
      error_kind: 'business',
    },
    { event: 'http.request', status_code: 404, path: '/user/bob' },
  ])
  expect(lines[1]).not.toHaveProperty('error_stack')
})

test.each(['__proto__', 'admin ', 'ADMIN', 'a\nb', '\u001b[31mred', 'x'.repeat(2_000)])(
  '4.8b: %j is nobody, and what he is called breaks no line',
  async (id) => {
    const [{ status }, lines] = await traced(`/user/${encodeURIComponent(id)}`)
    expect(status).toBe(404)
    expect(lines[0]).toMatchObject({ event: 'user_lookup_started', user_id: id })
    expect(lines).toHaveLength(3)
  },
)

test('4.8: of a hundred lookups at once no line is in the wrong trace', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 'admin' : `user-${index}`))
  const answers = await Promise.all(ids.map((id) => askPort(all.ports.shop, `/user/${id}`)))
  for (const [index, { headers }] of answers.entries()) {
    const lines = await all.trace(headers.get('x-trace-id') ?? '')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatchObject({ user_id: ids[index] })
    expect(lines[2]).toMatchObject({ path: `/user/${ids[index]}` })
  }
})

test('4.9a: GET / answers', async () => {
  const [{ status, json }, lines] = await traced('/')
  expect([status, json]).toEqual([200, { status: 'ok' }])
  expect(lines).toMatchObject([{ event: 'http.request', route: '/', status_code: 200, latency_ms: expect.any(Number) }])
})

test('4.9a: GET /lento takes a second and a half, and its line says so', async () => {
  const [{ status, json, ms }, [line]] = await traced('/lento')
  expect([status, json]).toEqual([200, { status: 'ok, pero lento' }])
  expect(ms).toBeGreaterThanOrEqual(1_495)
  expect(ms).toBeLessThan(2_500)
  expect(line?.['latency_ms']).toBeGreaterThanOrEqual(1_495)
})

test('4.9a: GET /error-cliente is the client’s fault', async () => {
  const [{ status, json }, lines] = await traced('/error-cliente')
  expect([status, json.error_code, json.context]).toEqual([404, 'RECURSO_NO_ENCONTRADO', {}])
  expect(lines).toMatchObject([
    { event: 'http_error', log_level: 'info', error_kind: 'business' },
    { event: 'http.request', status_code: 404 },
  ])
})

test('4.9a: GET /error-servidor is a real bug: the log has its stack, the client nothing of it', async () => {
  const [{ status, json, text }, lines] = await traced('/error-servidor')
  expect([status, json.error_code, json.message, json.context]).toEqual([
    500,
    'INTERNAL_SERVER_ERROR',
    'Ocurrió un error inesperado en el servidor.',
    {},
  ])
  expect(text).not.toMatch(/TypeError|undefined|length|traffic|\.ts/)
  expect(lines).toMatchObject([
    { event: 'http_error', log_level: 'error', error_kind: 'technical', error_type: 'TypeError', status_code: 500 },
    { event: 'http.request', status_code: 500 },
  ])
  expect(lines[0]?.['error_stack']).toMatch(/TypeError: Cannot read properties of undefined.*\n.*traffic\.ts:\d+/)
})
