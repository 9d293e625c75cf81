import { holding, including, inOrder, listOf, number, that } from '../matching/pattern.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import { get, post } from '../wire/request.ts'
import { FINDING } from './error-body.ts'

// 4.2: resources, business rules, validation, a bug now and then, and who may do what.

const TOKEN = { 'x-token': 'secreto123' }
const BUG = refused(500, 'INTERNAL_SERVER_ERROR', 'Ocurrió un error inesperado en el servidor.', {})
// One in ten fails: 400 draws lie between 12 and 84 but once in many million walks.
const DRAWS = 400
const FAILURES_MIN = 12
const FAILURES_MAX = 84

let made = 0
const newEmail = (): string => {
  made += 1
  return `contrato-${process.pid}-${Date.now()}-${made}@example.com`
}
const user = (email: unknown, nombre: unknown = 'Tester') => post('/users', { email, nombre })
const created = (email: string) => ok(inOrder({ mensaje: `Usuario Tester creado con email ${email}` }))

/** A user that exists, made with as many tries as the bug that strikes now and then asks for. */
async function existing(walk: Walk): Promise<string> {
  const email = newEmail()
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await walk.send(user(email))
    walk.judge(user(email), answer, answer.status === 500 ? BUG : created(email))
    if (answer.status !== 500) return email
  }
  walk.compare('users made in 20 tries', 1, 0)
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
      holding(...pointers.map((pointer) => including({ in: 'body', pointer }))).problem(got) === undefined,
  )

export const users: readonly Row[] = [
  exchange('4.2a', 'item1', get('/items/item1'), ok(inOrder({ id: 'item1', nombre: 'Poción de Salud' }))),
  exchange('4.2a', 'item2', get('/items/item2'), ok({ id: 'item2', nombre: 'Espada de Luz' })),
  exchange('4.2a', 'SuperPocion', get('/items/SuperPocion'), ok({ id: 'SuperPocion', nombre: 'Super Poción' })),
  ...['nada', '__proto__', 'constructor', "o'clock"].map((id) =>
    exchange(
      '4.2b',
      'an unknown item',
      get(`/items/${encodeURIComponent(id)}`),
      refused(404, 'ITEM_NOT_FOUND', `Item con ID '${id}' no encontrado.`, { recurso: 'Item', id }),
    ),
  ),
  scenario('4.2c', 'a new user', async (walk) => {
    await existing(walk)
  }),
  scenario('4.2d', 'the same e-mail again', async (walk) => {
    const email = await existing(walk)
    await walk.ask(user(email), taken(email))
  }),
  exchange('4.2d', 'an e-mail that was there from the start', user('test@example.com'), taken('test@example.com')),
  exchange(
    '4.2e',
    'an e-mail without @',
    user('emailinvalido'),
    refused(400, 'INVALID_EMAIL_FORMAT', 'Formato de email inválido.', {}),
  ),
  invalid('a field missing: its own pointer', { email: 'valor-rechazado@x' }, '/nombre'),
  invalid('both missing: both are told', {}, '/email', '/nombre'),
  invalid('a number is no text, and none is made of it', { email: 5, nombre: 'T' }, '/email'),
  invalid(
    'two wrong types: both are told',
    { email: ['valor-rechazado'], nombre: { a: 'valor-rechazado' } },
    '/email',
    '/nombre',
  ),
  invalid('null is no text', { email: null, nombre: 'T' }, '/email'),
  exchange('4.2f', 'a list is no user', post('/users', ['valor-rechazado']), refused(422, 'VALIDATION_ERROR')),
  scenario('4.2g', 'one in ten new users meets a bug, and was not created', async (walk) => {
    let failures = 0
    for (let draws = 0; draws < DRAWS; draws += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const email = newEmail()
          const answer = await walk.send(user(email))
          if (answer.status !== 500) return walk.judge(user(email), answer, created(email))
          failures += 1
          walk.judge(user(email), answer, BUG)
          // Stored, it would be 409 now.
          const again = await walk.send(user(email))
          walk.judge(user(email), again, again.status === 500 ? BUG : created(email))
        }),
      )
    }
    const shown = `500 for ${FAILURES_MIN} to ${FAILURES_MAX} of ${DRAWS}`
    walk.show(`POST /users, ${DRAWS} times`, shown, `500 for ${failures}`)
    walk.compare(`failures of ${DRAWS}`, number(FAILURES_MIN, FAILURES_MAX), failures)
  }),
  scenario('4.2g', 'what breaks a rule never meets the bug: it is drawn last', async (walk) => {
    for (let i = 0; i < 60; i += 1) await walk.ask(user('test@example.com'), taken('test@example.com'))
    for (let i = 0; i < 60; i += 1) await walk.ask(user('sin-arroba'), refused(400, 'INVALID_EMAIL_FORMAT'))
  }),
  exchange('4.2h', 'no token', get('/secure_data'), refused(401, 'AUTENTICACION_FALLIDA')),
  exchange(
    '4.2h',
    'a wrong token',
    get('/secure_data', { headers: { 'x-token': 'secreto124' } }),
    refused(401, 'AUTENTICACION_FALLIDA'),
  ),
  exchange('4.2h', 'the right token', get('/secure_data', { headers: TOKEN }), { status: 200 }),
  exchange(
    '4.2h',
    'not allowed to see the shields',
    get('/admin/shields', { headers: TOKEN }),
    refused(403, 'ACCESO_PROHIBIDO'),
  ),
  exchange(
    '4.2h',
    'not allowed to act on a shield',
    post('/admin/shields/external/circuitBreaker', { action: 'reset' }, { headers: TOKEN }),
    refused(403, 'ACCESO_PROHIBIDO'),
  ),
  exchange('4.2h', 'the status of every shield', get('/admin/shields', { headers: { 'x-token': 'admin123' } }), {
    status: 200,
    body: /circuitBreaker/,
    shown: '200 with breakers among the shields',
  }),
  exchange(
    '4.2h',
    'a token in another header counts for nothing',
    get('/secure_data', { headers: { token: 'secreto123' } }),
    refused(401, 'AUTENTICACION_FALLIDA'),
  ),
]

function taken(email: string) {
  return refused(409, 'EMAIL_ALREADY_EXISTS', `El email '${email}' ya está registrado.`, { email_conflictivo: email })
}
