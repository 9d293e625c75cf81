import { absent, inOrder, listOf, not, oneOf, text } from '../matching/pattern.ts'
import { refused, TRACE_ID } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import { get, post, request } from '../wire/request.ts'

// The error body (4.1): one form for all, in two languages, also as RFC 9457.

const NOT_FOUND_ES = "Item con ID 'nada' no encontrado."
const ITEM = { recurso: 'Item', id: 'nada' }

const language = (header: string | undefined, expected: 'es' | 'en'): Row => {
  const headers: Record<string, string> = header === undefined ? {} : { 'accept-language': header }
  const message = expected === 'es' ? NOT_FOUND_ES : not(NOT_FOUND_ES)
  const answer = refused(404, 'ITEM_NOT_FOUND', message, ITEM, { headers: { 'content-language': expected } })
  const name = `${header === undefined ? 'no Accept-Language' : `Accept-Language: ${header}`} gives ${expected}`
  return exchange('lang', name, get('/items/nada', { headers }), answer)
}

const asProblem = {
  status: 404,
  headers: { 'content-type': /^application\/problem\+json(;|$)/, 'x-trace-id': TRACE_ID },
}

export const errorBody: readonly Row[] = [
  exchange(
    'body',
    'an error has the six keys, in their order, and says the same in its headers',
    get('/items/nada'),
    refused(404, 'ITEM_NOT_FOUND', NOT_FOUND_ES, ITEM, {
      headers: { 'cache-control': 'no-store', vary: /accept.*accept-language|accept-language.*accept/i },
    }),
  ),
  exchange('body', 'HEAD: the same headers and no body', request('HEAD', '/items/nada'), {
    status: 404,
    body: '',
    headers: { 'x-trace-id': TRACE_ID, 'content-type': 'application/json; charset=utf-8' },
  }),
  scenario(
    'body',
    'application/problem+json where the client prefers it: RFC 9457 with the same facts',
    async (walk) => {
      const asked = get('/items/nada', { headers: { accept: 'application/problem+json' } })
      const answer = await walk.ask(asked, { ...asProblem, shown: '404 application/problem+json' })
      const traceId = answer.headers['x-trace-id']
      walk.compare('body', { ...PROBLEM, trace_id: traceId, instance: `urn:trace:${traceId}` }, answer.json)
    },
  ),
  exchange(
    'body',
    'application/json where the client likes both as much',
    get('/items/nada', { headers: { accept: 'application/json, application/problem+json' } }),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange(
    'body',
    'an Accept that nothing can satisfy still gets the error, not 406',
    get('/items/nada', { headers: { accept: 'image/png' } }),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange('body', 'X-Trace-ID is on good answers too', get('/items/item1'), {
    status: 200,
    headers: { 'x-trace-id': TRACE_ID },
  }),
  exchange(
    'body',
    'a bug: constant message, nothing of the bug in the body',
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
  scenario('lang', 'code and context are not translated', async (walk) => {
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

/** One finding of a `VALIDATION_ERROR`; the rejected value is no part of it. */
export const FINDING = inOrder({
  in: oneOf('body', 'query', 'params', 'headers'),
  pointer: /^(\/.*)?$/,
  code: text,
  message: text,
})

/** The message of an error body. */
export function messageOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'message' in json ? json.message : absent
}
