import { refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import { get, post, postText, rawBytes, request } from '../wire/request.ts'

// The well-known error codes, each with a request that causes it.

const MIB = 1024 * 1024
const user = (nombre: string): string => JSON.stringify({ email: 'sin-arroba', nombre })

export const wellKnown: readonly Row[] = [
  exchange(
    'codes',
    'returns 422 for a body that does not validate',
    post('/users', {}),
    refused(422, 'VALIDATION_ERROR'),
  ),
  exchange(
    'codes',
    'returns 400 for a body that is not JSON',
    postText('/users', '{"email":'),
    refused(400, 'MALFORMED_JSON'),
  ),
  exchange(
    'codes',
    'returns 400 for an empty body instead of JSON',
    postText('/users', ''),
    refused(400, 'MALFORMED_JSON'),
  ),
  exchange('codes', 'returns 404 for an unknown route', get('/no/such/route'), refused(404, 'ROUTE_NOT_FOUND')),
  exchange(
    'codes',
    'returns 405 for a wrong method, with Allow: GET',
    request('DELETE', '/items/item1'),
    refused(405, 'METHOD_NOT_ALLOWED', undefined, undefined, { headers: { allow: /(^|, *)GET(,|$)/ } }),
  ),
  exchange(
    'codes',
    'returns 405 for a wrong method, with Allow: POST',
    get('/users'),
    refused(405, 'METHOD_NOT_ALLOWED', undefined, undefined, { headers: { allow: /(^|, *)POST(,|$)/ } }),
  ),
  scenario('codes', 'returns 413 for a body over 1 MiB, not for one of exactly 1 MiB', async (walk) => {
    const spare = MIB - Buffer.byteLength(user(''))
    const atLimit = await walk.send(postText('/users', user('n'.repeat(spare))))
    walk.judge(shortened(MIB), atLimit, refused(400, 'INVALID_EMAIL_FORMAT'))
    const over = await walk.send(postText('/users', user('n'.repeat(spare + 1))))
    walk.judge(shortened(MIB + 1), over, refused(413, 'PAYLOAD_TOO_LARGE'))
  }),
  exchange(
    'codes',
    'returns 415 for a form body',
    postText('/users', 'email=a@b', 'application/x-www-form-urlencoded'),
    refused(415, 'UNSUPPORTED_MEDIA_TYPE'),
  ),
  exchange(
    'codes',
    'returns 415 for a plain text body',
    postText('/users', '{"email":"a@b","nombre":"T"}', 'text/plain'),
    refused(415, 'UNSUPPORTED_MEDIA_TYPE'),
  ),
  exchange('codes', 'returns 400 for a path that cannot be decoded', get('/items/%zz'), refused(400, 'BAD_REQUEST')),
  exchange(
    'codes',
    'returns 400 for a request without Host',
    rawBytes('GET /items/item1 without Host', 'GET /items/item1 HTTP/1.1\r\nConnection: close\r\n\r\n'),
    refused(400, 'BAD_REQUEST'),
  ),
  exchange(
    'codes',
    'returns 400 for bytes that are not HTTP',
    rawBytes('(no HTTP)', 'ceci n est pas une requete\r\n\r\n'),
    refused(400, 'BAD_REQUEST'),
  ),
  scenario('codes', 'returns 414 for a URL that is too long', async (walk) => {
    const answer = await walk.send(get(`/items/${'x'.repeat(10_000)}`))
    walk.judge(get('/items/(10000 × x)'), answer, refused(414, 'URI_TOO_LONG'))
  }),
  exchange(
    'codes',
    'returns 404 for an unknown id of 1,000 characters',
    get(`/items/${'x'.repeat(1_000)}`),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange(
    'codes',
    'returns 417 for an unknown Expect',
    rawBytes(
      'POST /users with Expect: milagro',
      'POST /users HTTP/1.1\r\nHost: localhost\r\nExpect: milagro\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    ),
    refused(417, 'EXPECTATION_FAILED'),
  ),
  exchange(
    'codes',
    'returns 431 for headers of 20 KB',
    rawBytes(
      'GET /items/item1 with 20 KB of headers',
      `GET /items/item1 HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'h'.repeat(20_480)}\r\nConnection: close\r\n\r\n`,
    ),
    refused(431, 'HEADERS_TOO_LARGE'),
  ),
  scenario(
    'codes',
    'returns 408 for a request that never arrives completely',
    async (walk) => {
      if (walk.target.own === undefined) return walk.pending('takes a minute with --url')
      // Announces twenty bytes and sends fewer.
      const headers = { 'content-type': 'application/json', 'content-length': '20' }
      const asked = request('POST', '/orders', { headers, body: '{"item_id' })
      await walk.ask(asked, refused(408, 'REQUEST_TIMEOUT'))
    },
    { lane: 'late' },
  ),
]

function shortened(bytes: number) {
  return request('POST', `/users (${bytes} bytes)`)
}
