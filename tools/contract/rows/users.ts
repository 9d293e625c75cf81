import { containing, including, inOrder, listOf, number, that } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import { get, post } from '../wire/request.ts'
import { FINDING } from './error-body.ts'

// 4.2: resources, business rules, validation, random bugs, and permissions.

const TOKEN = { 'x-token': 'secreto123' }
const BUG = refused(500, 'INTERNAL_SERVER_ERROR', 'Ocurrió un error inesperado en el servidor.', {})
// One in ten creations fails. 400 draws have 12 to 84 failures, except once in many million runs.
const DRAWS = 400
const FAILURES_MIN = 12
const FAILURES_MAX = 84

let created = 0
const newEmail = (): string => {
  created += 1
  return `contrato-${process.pid}-${Date.now()}-${created}@example.com`
}
const user = (email: unknown, nombre: unknown = 'Tester') => post('/users', { email, nombre })
const createdAnswer = (email: string) => ok(inOrder({ mensaje: `Usuario Tester creado con email ${email}` }))

/** Creates a user and returns its e-mail; repeats when the random bug occurs. */
async function createUser(walk: Walk): Promise<string> {
  const email = newEmail()
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await walk.send(user(email))
    walk.judge(user(email), answer, answer.status === 500 ? BUG : createdAnswer(email))
    if (answer.status !== 500) return email
  }
  walk.compare('users created in 20 tries', 1, 0)
  return email
}

const invalid = (name: string, body: unknown, ...pointers: readonly string[]): Row =>
  exchange(
    '4.2f',
    name,
    post('/users', body),
    refused(422, 'VALIDATION_ERROR', undefined, including({ errors: allOf(pointers) }), {
      body: that('text that does not repeat the rejected value', (got) => !String(got).includes('valor-rechazado')),
    }),
  )

const allOf = (pointers: readonly string[]) =>
  that(
    `findings at ${pointers.map((pointer) => `'${pointer}'`).join(', ')}`,
    (got) =>
      listOf(FINDING, pointers.length).problem(got) === undefined &&
      containing(...pointers.map((pointer) => including({ in: 'body', pointer }))).problem(got) === undefined,
  )

export const users: readonly Row[] = [
  exchange('4.2a', 'returns item1', get('/items/item1'), ok(inOrder({ id: 'item1', nombre: 'Poción de Salud' }))),
  exchange('4.2a', 'returns item2', get('/items/item2'), ok({ id: 'item2', nombre: 'Espada de Luz' })),
  exchange('4.2a', 'returns SuperPocion', get('/items/SuperPocion'), ok({ id: 'SuperPocion', nombre: 'Super Poción' })),
  ...['nada', '__proto__', 'constructor', "o'clock"].map((id) =>
    exchange(
      '4.2b',
      `returns 404 for the unknown item ${id}`,
      get(`/items/${encodeURIComponent(id)}`),
      refused(404, 'ITEM_NOT_FOUND', `Item con ID '${id}' no encontrado.`, { recurso: 'Item', id }),
    ),
  ),
  scenario('4.2c', 'creates a user', async (walk) => {
    await createUser(walk)
  }),
  scenario('4.2d', 'rejects the same e-mail a second time', async (walk) => {
    const email = await createUser(walk)
    await walk.ask(user(email), taken(email))
  }),
  exchange('4.2d', 'rejects an e-mail that exists from the start', user('test@example.com'), taken('test@example.com')),
  exchange(
    '4.2e',
    'rejects an e-mail without @',
    user('emailinvalido'),
    refused(400, 'INVALID_EMAIL_FORMAT', 'Formato de email inválido.', {}),
  ),
  invalid('reports a missing field by its pointer', { email: 'valor-rechazado@x' }, '/nombre'),
  invalid('reports two missing fields', {}, '/email', '/nombre'),
  invalid('rejects a number instead of text, without coercion', { email: 5, nombre: 'T' }, '/email'),
  invalid(
    'reports two fields of a wrong type',
    { email: ['valor-rechazado'], nombre: { a: 'valor-rechazado' } },
    '/email',
    '/nombre',
  ),
  invalid('rejects null instead of text', { email: null, nombre: 'T' }, '/email'),
  exchange(
    '4.2f',
    'rejects a list instead of a user',
    post('/users', ['valor-rechazado']),
    refused(422, 'VALIDATION_ERROR'),
  ),
  scenario('4.2g', 'one in ten creations fails with a bug and stores no user', async (walk) => {
    let failures = 0
    for (let draws = 0; draws < DRAWS; draws += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const email = newEmail()
          const answer = await walk.send(user(email))
          if (answer.status !== 500) return walk.judge(user(email), answer, createdAnswer(email))
          failures += 1
          walk.judge(user(email), answer, BUG)
          // If the user were stored, this would be 409.
          const again = await walk.send(user(email))
          walk.judge(user(email), again, again.status === 500 ? BUG : createdAnswer(email))
        }),
      )
    }
    const shown = `500 for ${FAILURES_MIN} to ${FAILURES_MAX} of ${DRAWS}`
    walk.show(`POST /users, ${DRAWS} times`, shown, `500 for ${failures}`)
    walk.compare(`failures of ${DRAWS}`, number(FAILURES_MIN, FAILURES_MAX), failures)
  }),
  scenario('4.2g', 'invalid requests never meet the random bug', async (walk) => {
    for (let i = 0; i < 60; i += 1) await walk.ask(user('test@example.com'), taken('test@example.com'))
    for (let i = 0; i < 60; i += 1) await walk.ask(user('sin-arroba'), refused(400, 'INVALID_EMAIL_FORMAT'))
  }),
  exchange('4.2h', 'rejects a request without a token', get('/secure_data'), refused(401, 'AUTENTICACION_FALLIDA')),
  exchange(
    '4.2h',
    'rejects a wrong token',
    get('/secure_data', { headers: { 'x-token': 'secreto124' } }),
    refused(401, 'AUTENTICACION_FALLIDA'),
  ),
  exchange('4.2h', 'accepts the right token', get('/secure_data', { headers: TOKEN }), { status: 200 }),
  exchange(
    '4.2h',
    'forbids a user to see the shields',
    get('/admin/shields', { headers: TOKEN }),
    refused(403, 'ACCESO_PROHIBIDO'),
  ),
  exchange(
    '4.2h',
    'forbids a user to act on a shield',
    post('/admin/shields/external/circuitBreaker', { action: 'reset' }, { headers: TOKEN }),
    refused(403, 'ACCESO_PROHIBIDO'),
  ),
  exchange(
    '4.2h',
    'shows an admin the status of every shield',
    get('/admin/shields', { headers: { 'x-token': 'admin123' } }),
    {
      status: 200,
      body: /circuitBreaker/,
      shown: '200 with breakers among the shields',
    },
  ),
  exchange(
    '4.2h',
    'ignores a token in another header',
    get('/secure_data', { headers: { token: 'secreto123' } }),
    refused(401, 'AUTENTICACION_FALLIDA'),
  ),
]

function taken(email: string) {
  return refused(409, 'EMAIL_ALREADY_EXISTS', `El email '${email}' ya está registrado.`, { email_conflictivo: email })
}
