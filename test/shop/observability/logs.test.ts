import { afterAll, beforeAll, expect, test } from 'vitest'
import { formProblem } from '../helpers/form.ts'
import { type Line, linesOf } from '../helpers/logs.ts'
import { type Answer, askPort } from '../helpers/requests.ts'
import { openServices } from '../helpers/services.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.8 and 4.9a: log lines of the shop and of the toolkit in one trace, and the traffic for the dashboard.

let all: Target

beforeAll(async () => {
  all = await openServices(['potion-shop'])
})
afterAll(cleanUp)

async function getWithTrace(path: string): Promise<readonly [Answer, readonly Line[]]> {
  const answer = await askPort(all.ports['potion-shop'], path)
  const { status, headers, text } = answer
  expect(formProblem({ status, headers, text })).toBeUndefined()
  return [answer, await linesOf(all, 'potion-shop', headers.get('x-trace-id') ?? '')]
}

test('4.8a: finds the admin and logs the lines in order under one trace', async () => {
  const [{ status, json }, lines] = await getWithTrace('/user/admin')
  expect([status, json]).toEqual([200, { user: 'admin', status: 'ok' }])
  expect(lines).toMatchObject([
    { event: 'user_lookup_started', log_level: 'info', user_id: 'admin' },
    { event: 'admin_user_accessed', log_level: 'warning', permissions: 'full' },
    { event: 'http.request', log_level: 'info', route: '/user/:id', path: '/user/admin', status_code: 200 },
  ])
  // Each line of the shop's own code has the keys of the contract and the span id.
  expect(Object.keys(lines[0] ?? {}).sort()).toEqual(
    ['event', 'log_level', 'service', 'span_id', 'timestamp', 'trace_id', 'user_id'].sort(),
  )
  expect(new Set(lines.map((line) => line['span_id'])).size).toBe(1)
})

test('4.8b: logs lookup, error and request for the unknown user bob in one trace', async () => {
  const [{ status, json }, lines] = await getWithTrace('/user/bob')
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
  '4.8b: the unknown user %j is 404, and the name breaks no log line',
  async (id) => {
    const [{ status }, lines] = await getWithTrace(`/user/${encodeURIComponent(id)}`)
    expect(status).toBe(404)
    expect(lines[0]).toMatchObject({ event: 'user_lookup_started', user_id: id })
    expect(lines).toHaveLength(3)
  },
)

test('4.8b: a hundred concurrent lookups log every line in the right trace', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 'admin' : `user-${index}`))
  const answers = await Promise.all(ids.map((id) => askPort(all.ports['potion-shop'], `/user/${id}`)))
  for (const [index, { headers }] of answers.entries()) {
    const lines = await linesOf(all, 'potion-shop', headers.get('x-trace-id') ?? '')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatchObject({ user_id: ids[index] })
    expect(lines[2]).toMatchObject({ path: `/user/${ids[index]}` })
  }
})

test('4.9a: GET / answers', async () => {
  const [{ status, json }, lines] = await getWithTrace('/')
  expect([status, json]).toEqual([200, { status: 'ok' }])
  expect(lines).toMatchObject([{ event: 'http.request', route: '/', status_code: 200, latency_ms: expect.any(Number) }])
})

test('4.9a: GET /lento takes 1.5 s, and its log line has that latency', async () => {
  const [{ status, json, ms }, [line]] = await getWithTrace('/lento')
  expect([status, json]).toEqual([200, { status: 'ok, pero lento' }])
  expect(ms).toBeGreaterThanOrEqual(1_495)
  expect(ms).toBeLessThan(2_500)
  expect(line?.['latency_ms']).toBeGreaterThanOrEqual(1_495)
})

test('4.9a: GET /error-cliente is a business error', async () => {
  const [{ status, json }, lines] = await getWithTrace('/error-cliente')
  expect([status, json.error_code, json.context]).toEqual([404, 'RECURSO_NO_ENCONTRADO', {}])
  expect(lines).toMatchObject([
    { event: 'http_error', log_level: 'info', error_kind: 'business' },
    { event: 'http.request', status_code: 404 },
  ])
})

test('4.9a: GET /error-servidor is a bug: the log has its stack, the answer no details', async () => {
  const [{ status, json, text }, lines] = await getWithTrace('/error-servidor')
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
