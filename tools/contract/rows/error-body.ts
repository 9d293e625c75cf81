import { absent, inOrder, listOf, not, oneOf, text } from '../matching/pattern.ts'
import { refused, TRACE_ID } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import { get, post, request } from '../wire/request.ts'

// The error body (4.1): the same form for all errors, in two languages, also as RFC 9457.

const NOT_FOUND_ES = "Item con ID 'nada' no encontrado."
const ITEM = { recurso: 'Item', id: 'nada' }

const language = (header: string | undefined, expected: 'es' | 'en'): Row => {
  const headers: Record<string, string> = header === undefined ? {} : { 'accept-language': header }
  const message = expected === 'es' ? NOT_FOUND_ES : not(NOT_FOUND_ES)
  const answer = refused(404, 'ITEM_NOT_FOUND', message, ITEM, { headers: { 'content-language': expected } })
  const name = `answers in ${expected} ${header === undefined ? 'without Accept-Language' : `for Accept-Language: ${header}`}`
  return exchange('lang', name, get('/items/nada', { headers }), answer)
}

const asProblem = {
  status: 404,
  headers: { 'content-type': /^application\/problem\+json(;|$)/, 'x-trace-id': TRACE_ID },
}

export const errorBody: readonly Row[] = [
  exchange(
    'body',
    'an error has the six keys in their order, and matching headers',
    get('/items/nada'),
    refused(404, 'ITEM_NOT_FOUND', NOT_FOUND_ES, ITEM, {
      headers: { 'cache-control': 'no-store', vary: /accept.*accept-language|accept-language.*accept/i },
    }),
  ),
  exchange('body', 'HEAD returns the same headers without a body', request('HEAD', '/items/nada'), {
    status: 404,
    body: '',
    headers: { 'x-trace-id': TRACE_ID, 'content-type': 'application/json; charset=utf-8' },
  }),
  scenario('body', 'returns application/problem+json (RFC 9457) if the client prefers it', async (walk) => {
    const asked = get('/items/nada', { headers: { accept: 'application/problem+json' } })
    const answer = await walk.ask(asked, { ...asProblem, shown: '404 application/problem+json' })
    const traceId = answer.headers['x-trace-id']
    walk.compare('body', { ...PROBLEM, trace_id: traceId, instance: `urn:trace:${traceId}` }, answer.json)
  }),
  exchange(
    'body',
    'returns application/json if the client accepts both equally',
    get('/items/nada', { headers: { accept: 'application/json, application/problem+json' } }),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange(
    'body',
    'returns the error instead of 406 for an Accept that cannot be satisfied',
    get('/items/nada', { headers: { accept: 'image/png' } }),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange('body', 'successful answers have an X-Trace-ID too', get('/items/item1'), {
    status: 200,
    headers: { 'x-trace-id': TRACE_ID },
  }),
  exchange(
    'body',
    'hides a bug behind a constant message',
    get('/error-servidor'),
    refused(500, 'INTERNAL_SERVER_ERROR', 'Ocurrió un error inesperado en el servidor.', {}),
  ),
  language(undefined, 'es'),
  language('*', 'es'),
  language('en', 'en'),
  language('en-GB, en;q=0.9', 'en'),
  language('es-MX', 'es'),
  language('en;q=0.4, es;q=0.8', 'es'),
  language('en;q=0', 'es'),
  language('fr', 'es'),
  scenario('lang', 'translates the message, but not code and context', async (walk) => {
    const asked = post('/users', { email: 'x' }, { headers: { 'accept-language': 'en' } })
    const english = await walk.ask(asked, refused(422, 'VALIDATION_ERROR', undefined, { errors: listOf(FINDING, 1) }))
    const spanish = await walk.ask(post('/users', { email: 'x' }), refused(422, 'VALIDATION_ERROR'))
    walk.compare('message', not(messageOf(spanish.json)), messageOf(english.json))
  }),
]

const PROBLEM = {
  type: text,
  title: text,
  status: 404,
  detail: NOT_FOUND_ES,
  instance: text,
  trace_id: text,
  error_code: 'ITEM_NOT_FOUND',
  message: NOT_FOUND_ES,
  status_code: 404,
  service_name: 'potion-shop',
  context: ITEM,
}

/** Matches one finding of a `VALIDATION_ERROR`. A finding does not contain the rejected value. */
export const FINDING = inOrder({
  in: oneOf('body', 'query', 'params', 'headers'),
  pointer: /^(\/.*)?$/,
  code: text,
  message: text,
})

/** Returns the message of an error body. */
function messageOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'message' in json ? json.message : absent
}
