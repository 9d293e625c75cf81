import { refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import { get, post, postText, rawBytes, request } from '../wire/request.ts'

// The well-known codes that a client can provoke, each by the request that provokes it.

const MIB = 1024 * 1024
const user = (nombre: string): string => JSON.stringify({ email: 'sin-arroba', nombre })

export const wellKnown: readonly Row[] = [
  exchange('codes', 'a body that does not validate', post('/users', {}), refused(422, 'VALIDATION_ERROR')),
  exchange('codes', 'a body that is no JSON', postText('/users', '{"email":'), refused(400, 'MALFORMED_JSON')),
  exchange('codes', 'an empty body where JSON is required', postText('/users', ''), refused(400, 'MALFORMED_JSON')),
  exchange('codes', 'an unknown route', get('/no/such/route'), refused(404, 'ROUTE_NOT_FOUND')),
  exchange(
    'codes',
    'a wrong method, and what is allowed',
    request('DELETE', '/items/item1'),
    refused(405, 'METHOD_NOT_ALLOWED', undefined, undefined, { headers: { allow: /(^|, *)GET(,|$)/ } }),
  ),
  exchange(
    'codes',
    'a wrong method, where POST is allowed',
    get('/users'),
    refused(405, 'METHOD_NOT_ALLOWED', undefined, undefined, { headers: { allow: /(^|, *)POST(,|$)/ } }),
  ),
  scenario('codes', 'a body over 1 MiB, and one just under it', async (walk) => {
    const spare = MIB - Buffer.byteLength(user(''))
    const under = await walk.send(postText('/users', user('n'.repeat(spare))))
    walk.judge(shortened(MIB), under, refused(400, 'INVALID_EMAIL_FORMAT'))
    const over = await walk.send(postText('/users', user('n'.repeat(spare + 1))))
    walk.judge(shortened(MIB + 1), over, refused(413, 'PAYLOAD_TOO_LARGE'))
  }),
  exchange(
    'codes',
    'a body of another type',
    postText('/users', 'email=a@b', 'application/x-www-form-urlencoded'),
    refused(415, 'UNSUPPORTED_MEDIA_TYPE'),
  ),
  exchange(
    'codes',
    'plain text is another type too',
    postText('/users', '{"email":"a@b","nombre":"T"}', 'text/plain'),
    refused(415, 'UNSUPPORTED_MEDIA_TYPE'),
  ),
  exchange('codes', 'a path that cannot be decoded', get('/items/%zz'), refused(400, 'BAD_REQUEST')),
  exchange(
    'codes',
    'no Host',
    rawBytes('GET /items/item1 without Host', 'GET /items/item1 HTTP/1.1\r\nConnection: close\r\n\r\n'),
    refused(400, 'BAD_REQUEST'),
  ),
  exchange(
    'codes',
    'what is no HTTP at all',
    rawBytes('(no HTTP)', 'ceci n est pas une requete\r\n\r\n'),
    refused(400, 'BAD_REQUEST'),
  ),
  scenario('codes', 'an address that is too long', async (walk) => {
    const answer = await walk.send(get(`/items/${'x'.repeat(10_000)}`))
    walk.judge(get('/items/(10000 × x)'), answer, refused(414, 'URI_TOO_LONG'))
  }),
  exchange(
    'codes',
    'an id of 1,000 characters is merely unknown',
    get(`/items/${'x'.repeat(1_000)}`),
    refused(404, 'ITEM_NOT_FOUND'),
  ),
  exchange(
    'codes',
    'an Expect that nobody can meet',
    rawBytes(
      'POST /users with Expect: milagro',
      'POST /users HTTP/1.1\r\nHost: localhost\r\nExpect: milagro\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    ),
    refused(417, 'EXPECTATION_FAILED'),
  ),
  exchange(
    'codes',
    'headers of 20 KB',
    rawBytes(
      'GET /items/item1 with 20 KB of headers',
      `GET /items/item1 HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'h'.repeat(20_480)}\r\nConnection: close\r\n\r\n`,
    ),
    refused(431, 'HEADERS_TOO_LARGE'),
  ),
  scenario(
    'codes',
    'a request that never arrives whole',
    async (walk) => {
      if (walk.target.own === undefined) return walk.pending('takes a minute on a shop that somebody else started')
      // Twenty bytes are announced, and never come.
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
