import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endAll, freePorts, startScript, until } from './helpers/processes.ts'
import { type Answer, askPort, posting } from './helpers/requests.ts'

// 4.2: the shop alone, because no request here reaches a dependency.

const KEYS = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']
let port: number

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-errors-'))
  port = await startShop({ ESCUDO_USERS_FAIL_RATE: '0', ESCUDO_LOG_FILE: join(folder, 'calm.jsonl') })
})
afterAll(async () => {
  await endAll()
  await rm(folder, { recursive: true })
})

async function startShop(env: Readonly<Record<string, string>>): Promise<number> {
  const [free] = (await freePorts(1)) as [number]
  startScript('examples/potion-shop/src/shop/main.ts', ['--port', String(free)], env)
  await until('the shop', () =>
    askPort(free, '/healthz').then(
      (answer) => answer.status === 200,
      () => false,
    ),
  )
  return free
}

/** Checks the common form of an error; returns its status, code, message and context. */
function facts(answer: Answer): unknown {
  expect(Object.keys(answer.json)).toEqual(KEYS)
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(answer.json.trace_id).toMatch(/^[0-9a-f]{32}$/)
  expect(answer.headers.get('x-trace-id')).toBe(answer.json.trace_id)
  expect(answer.json.status_code).toBe(answer.status)
  expect(answer.json.service_name).toBe('potion-shop')
  return [answer.status, answer.json.error_code, answer.json.message, answer.json.context]
}

test.each([
  ['item1', 'Poción de Salud'],
  ['item2', 'Espada de Luz'],
  ['SuperPocion', 'Super Poción'],
])('4.2a: returns item %s', async (id, nombre) => {
  const answer = await askPort(port, `/items/${id}`)
  expect([answer.status, answer.json]).toEqual([200, { id, nombre }])
  expect(answer.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
})

test.each(['nada', '__proto__', 'constructor', 'ñ 💥', '{id}', 'a/b', "'; --"])(
  '4.2b: answers 404 for the unknown item %s',
  async (id) => {
    const answer = await askPort(port, `/items/${encodeURIComponent(id)}`)
    const message = `Item con ID '${id}' no encontrado.`
    expect(facts(answer)).toEqual([404, 'ITEM_NOT_FOUND', message, { recurso: 'Item', id }])
  },
)

test('4.2b: Accept-Language: en changes the message to English and nothing else', async () => {
  const answer = await askPort(port, '/items/nada', { headers: { 'accept-language': 'en' } })
  const message = "Item with ID 'nada' not found."
  expect(facts(answer)).toEqual([404, 'ITEM_NOT_FOUND', message, { recurso: 'Item', id: 'nada' }])
})

test('4.2c, 4.2d: creates a new user once; a second request is 409', async () => {
  const user = { email: 'nuevo@example.com', nombre: 'Tester' }
  const first = await askPort(port, '/users', posting(user))
  expect([first.status, first.json]).toEqual([200, { mensaje: 'Usuario Tester creado con email nuevo@example.com' }])
  const again = await askPort(port, '/users', posting(user))
  const message = "El email 'nuevo@example.com' ya está registrado."
  expect(facts(again)).toEqual([409, 'EMAIL_ALREADY_EXISTS', message, { email_conflictivo: user.email }])
})

test('4.2d: one user exists at the start', async () => {
  const answer = await askPort(port, '/users', posting({ email: 'test@example.com', nombre: 'T' }))
  expect(answer.json.error_code).toBe('EMAIL_ALREADY_EXISTS')
})

test('4.2d: one of twenty concurrent requests for the same new user succeeds', async () => {
  const user = posting({ email: 'once@example.com', nombre: 'T' })
  const answers = await Promise.all(Array.from({ length: 20 }, () => askPort(port, '/users', user)))
  const statuses = answers.map((answer) => answer.status).sort()
  expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
})

test('4.2e: an e-mail without @ breaks a business rule (400), not the schema (422)', async () => {
  const answer = await askPort(port, '/users', posting({ email: 'emailinvalido', nombre: 'T' }))
  expect(facts(answer)).toEqual([400, 'INVALID_EMAIL_FORMAT', 'Formato de email inválido.', {}])
})

test.each([
  [{ nombre: 'T' }, ['/email']],
  [{ email: 'a@b' }, ['/nombre']],
  [{}, ['/email', '/nombre']],
  [{ email: 5, nombre: 'T' }, ['/email']],
  [{ email: null, nombre: ['x'] }, ['/email', '/nombre']],
  [[], ['']],
  ['text', ['']],
])('4.2f: %j fails validation, and the answer lists every finding', async (body, pointers) => {
  const answer = await askPort(port, '/users', posting(body))
  const [status, code] = facts(answer) as [number, string]
  expect([status, code]).toEqual([422, 'VALIDATION_ERROR'])
  const { errors } = answer.json.context
  expect(errors.map((one: { pointer: string }) => one.pointer)).toEqual(pointers)
  for (const one of errors) {
    expect(Object.keys(one).sort()).toEqual(['code', 'in', 'message', 'pointer'])
    expect(one.in).toBe('body')
  }
})

test('4.2f: never echoes a rejected value', async () => {
  const answer = await askPort(port, '/users', posting({ email: { secret: 'hunter2' }, nombre: 12_345_678 }))
  expect(answer.text).not.toMatch(/hunter2|12345678/)
})

test.each([
  ['{"email":', 'application/json', 400, 'MALFORMED_JSON'],
  ['', 'application/json', 400, 'MALFORMED_JSON'],
  ["{'error': 'x'}", 'application/json', 400, 'MALFORMED_JSON'],
  ['email=a', 'application/x-www-form-urlencoded', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['hola', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [JSON.stringify({ email: 'a@b', nombre: 'x'.repeat(1_100_000) }), 'application/json', 413, 'PAYLOAD_TOO_LARGE'],
])('an unreadable body (%#) has a specific error', async (body, type, status, code) => {
  const answer = await askPort(port, '/users', { method: 'POST', headers: { 'content-type': type }, body })
  expect(facts(answer)).toMatchObject([status, code, expect.any(String), {}])
})

test('an unknown route and a wrong method have the same form', async () => {
  expect(facts(await askPort(port, '/nope'))).toMatchObject([404, 'ROUTE_NOT_FOUND', expect.any(String), {}])
  const wrong = await askPort(port, '/users', { method: 'DELETE' })
  expect(facts(wrong)).toMatchObject([405, 'METHOD_NOT_ALLOWED', expect.any(String), {}])
  expect(wrong.headers.get('allow')).toContain('POST')
})

/** Returns the lines of one request in a log of this test file. */
async function linesOf(log: string, answer: Answer): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const traceId = answer.headers.get('x-trace-id')
  // The shop logs the last line after it has sent the answer, so the client may be faster.
  return await until('the lines of the request', async () => {
    const text = (await readFile(join(folder, log), 'utf8')).trimEnd()
    const lines = text.split('\n').map((line) => JSON.parse(line))
    const own = lines.filter((line) => line.trace_id === traceId)
    return own.some((line) => line.event === 'http.request') ? own : undefined
  })
}

test('4.3: logs a business error at info, without a stack', async () => {
  const answer = await askPort(port, '/items/nada?token=1')
  const lines = await linesOf('calm.jsonl', answer)
  expect(lines.map((line) => line['event']).sort()).toEqual(['http.request', 'http_error'])
  const error = lines.find((line) => line['event'] === 'http_error')
  expect(error).toMatchObject({
    log_level: 'info',
    status_code: 404,
    error_code: 'ITEM_NOT_FOUND',
    error_kind: 'business',
    path: '/items/nada',
    service: 'potion-shop',
  })
  expect(error).not.toHaveProperty('error_stack')
  expect(lines.find((line) => line['event'] === 'http.request')).toMatchObject({
    method: 'GET',
    route: '/items/:id',
    path: '/items/nada',
    status_code: 404,
    latency_ms: expect.any(Number),
  })
})

test('4.3: logs a bug at error, with its message and stack', async () => {
  const always = await startShop({ ESCUDO_USERS_FAIL_RATE: '1', ESCUDO_LOG_FILE: join(folder, 'bugs.jsonl') })
  const answer = await askPort(always, '/users', posting({ email: 'a@b', nombre: 'T' }))
  const error = (await linesOf('bugs.jsonl', answer)).find((line) => line['event'] === 'http_error')
  expect(error).toMatchObject({ log_level: 'error', status_code: 500, error_kind: 'technical' })
  expect(error?.['error_stack']).toContain('simulated bug')
  expect(error?.['error_stack']).toContain('users.ts')
})

test('4.2g: an unexpected failure reveals no details and creates no user', async () => {
  const always = await startShop({ ESCUDO_USERS_FAIL_RATE: '1' })
  const user = posting({ email: 'a@b', nombre: 'T' })
  for (let time = 0; time < 2; time += 1) {
    const answer = await askPort(always, '/users', user)
    const message = 'Ocurrió un error inesperado en el servidor.'
    expect(facts(answer)).toEqual([500, 'INTERNAL_SERVER_ERROR', message, {}])
    expect(answer.text).not.toMatch(/simulated|users\.ts|at /)
  }
  // Every rule is checked before the random failure.
  expect((await askPort(always, '/users', posting({ email: 'test@example.com', nombre: 'T' }))).status).toBe(409)
  expect((await askPort(always, '/users', posting({ email: 'x', nombre: 'T' }))).status).toBe(400)
  expect((await askPort(always, '/users', posting({}))).status).toBe(422)
})

test('4.2g: one request in ten fails by default; the same seed fails the same requests', async () => {
  const pattern = async (): Promise<string> => {
    const seeded = await startShop({ ESCUDO_SEED: '7' })
    let statuses = ''
    for (let i = 0; i < 300; i += 1) {
      const answer = await askPort(seeded, '/users', posting({ email: `u${i}@example.com`, nombre: 'T' }))
      statuses += answer.status === 200 ? '.' : 'x'
    }
    return statuses
  }
  const [first, second] = await Promise.all([pattern(), pattern()])
  expect(second).toBe(first)
  const failed = first.split('x').length - 1
  expect(failed).toBeGreaterThan(12)
  expect(failed).toBeLessThan(55)
})
