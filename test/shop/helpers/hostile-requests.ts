import { head, post } from './wire.ts'

/** Stands in all that a client must not get back. */
export const SECRET = 'S3CR3T'

const user = `{"email":"${SECRET}@b","nombre":"A"}`
const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

/** Hostile requests for the shop: what it is, its bytes, and the status and code that are right. */
export const HOSTILE: readonly (readonly [string, string | Uint8Array, number, string])[] = [
  // Bodies.
  ['malformed JSON', post('/users', `{"email":"${SECRET}`), 400, 'MALFORMED_JSON'],
  ['JSON in single quotes', post('/users', `{'email':'${SECRET}'}`), 400, 'MALFORMED_JSON'],
  ['NaN', post('/users', `{"email":NaN,"nombre":"${SECRET}"}`), 400, 'MALFORMED_JSON'],
  ['an empty body', post('/users', ''), 400, 'MALFORMED_JSON'],
  ['no body and no type', head('POST /users', 'Content-Length: 0'), 400, 'MALFORMED_JSON'],
  ['nothing at all', head('POST /users'), 400, 'MALFORMED_JSON'],
  ['two JSON texts', post('/users', `${user}${user}`), 400, 'MALFORMED_JSON'],
  ['a NUL behind the JSON', post('/users', `${user}\0`), 400, 'MALFORMED_JSON'],
  ['bytes that are no UTF-8', post('/users', '""').replace('""', '\xff\xfe'), 400, 'MALFORMED_JSON'],
  ['UTF-16', post('/users', '12345678').replace('12345678', '\xff\xfe{\0"\0}\0'), 400, 'MALFORMED_JSON'],
  [
    'gzip that is none',
    head('POST /users', 'Content-Type: application/json', 'Content-Encoding: gzip', 'Content-Length: 4') +
      '\x1f\x8b\x08\x00',
    400,
    'MALFORMED_JSON',
  ],
  ['__proto__', post('/users', `{"__proto__":{"${SECRET}":1},"email":"a@b","nombre":"b"}`), 400, 'MALFORMED_JSON'],
  ['constructor.prototype', post('/users', `{"constructor":{"prototype":{"${SECRET}":1}}}`), 400, 'MALFORMED_JSON'],
  ['an array nested 100,000 deep', post('/users', nested), 422, 'VALIDATION_ERROR'],
  ['an object where text belongs', post('/users', `{"email":{"${SECRET}":1},"nombre":[]}`), 422, 'VALIDATION_ERROR'],
  ['a number beyond all', post('/users', `{"email":1e999,"nombre":"${SECRET}"}`), 422, 'VALIDATION_ERROR'],
  ['the wrong case of letters', post('/users', `{"Email":"${SECRET}@b","Nombre":"x"}`), 422, 'VALIDATION_ERROR'],
  [
    'a list of 10,000 users',
    post('/users', `[${Array.from({ length: 10_000 }, () => user).join()}]`),
    422,
    'VALIDATION_ERROR',
  ],
  [
    'an e-mail of a megabyte',
    post('/users', `{"email":"${SECRET}${'x'.repeat(1_048_000)}","nombre":"y"}`),
    422,
    'VALIDATION_ERROR',
  ],
  ['one byte over a mebibyte', post('/users', `"${SECRET}${'x'.repeat(1_048_569)}"`), 413, 'PAYLOAD_TOO_LARGE'],
  [
    'an announced terabyte',
    head('POST /users', 'Content-Type: application/json', 'Content-Length: 1099511627776'),
    413,
    'PAYLOAD_TOO_LARGE',
  ],
  ['latin1', post('/users', user, 'application/json; charset=latin1'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['plain text', post('/users', user, 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a form', post('/users', `email=${SECRET}`, 'application/x-www-form-urlencoded'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [
    'XML with an entity',
    post('/users', `<!DOCTYPE a [<!ENTITY ${SECRET} SYSTEM "file:///etc/passwd">]>`, 'application/xml'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['a type of 5 KB', post('/users', user, `${SECRET}${'x'.repeat(5_000)}`), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [
    'a broken chunk',
    `${head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}${SECRET}\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'a chunk that is longer than it says',
    `${head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}1\r\n${SECRET}\r\n0\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'a chunk of 2^60 bytes',
    `${head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}1000000000000000000\r\n`,
    400,
    'BAD_REQUEST',
  ],
  // Addresses.
  ['a path that cannot be decoded', head(`GET /items/%zz${SECRET}`), 400, 'BAD_REQUEST'],
  ['half a UTF-8 letter', head(`GET /items/%c3${SECRET}`), 400, 'BAD_REQUEST'],
  ['a path of 10 KB', head(`GET /items/${SECRET}${'x'.repeat(10_000)}`), 414, 'URI_TOO_LONG'],
  ['a query of 10 KB', head(`GET /?${SECRET}${'x'.repeat(10_000)}`), 414, 'URI_TOO_LONG'],
  ['dots and slashes', head(`GET /items/../../../../etc/${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['two slashes', head(`GET //${SECRET}/x`), 404, 'ROUTE_NOT_FOUND'],
  ['a Windows path', head(`GET /..\\..\\${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['__proto__ as a path', head('GET /__proto__'), 404, 'ROUTE_NOT_FOUND'],
  ['a switch that only dependencies have', head('GET /__faults'), 404, 'ROUTE_NOT_FOUND'],
  [
    'a query that would be a prototype',
    head(`GET /bulkhead-demo/a?__proto__[ms]=${SECRET}&ms=x`),
    422,
    'VALIDATION_ERROR',
  ],
  ['SQL for a number', head(`GET /bulkhead-demo/a?ms=1;DROP%20TABLE%20${SECRET}`), 422, 'VALIDATION_ERROR'],
  ['an address of somebody else', head(`GET http://127.0.0.1:22/${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['an asterisk', head('OPTIONS *'), 405, 'METHOD_NOT_ALLOWED'],
  // Methods and heads.
  ['a wrong method', head(`DELETE /items/item1?${SECRET}`), 405, 'METHOD_NOT_ALLOWED'],
  ['TRACE', head('TRACE /', `X-Secret: ${SECRET}`), 405, 'METHOD_NOT_ALLOWED'],
  ['a method of another kind of server', head('PROPFIND /'), 405, 'METHOD_NOT_ALLOWED'],
  ['a method that nobody knows', head(`${SECRET} /`), 400, 'BAD_REQUEST'],
  ['CONNECT', head(`CONNECT ${SECRET}:443`), 405, 'METHOD_NOT_ALLOWED'],
  ['20 KB of header', head('GET /', `X-Long: ${SECRET}${'x'.repeat(20_000)}`), 431, 'HEADERS_TOO_LARGE'],
  [
    '2,000 headers',
    head('GET /', ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: ${SECRET}`)),
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['no Host', `GET / HTTP/1.1\r\nConnection: close\r\nX-Secret: ${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['two Hosts', head('GET /', `Host: ${SECRET}`), 400, 'BAD_REQUEST'],
  ['an unknown expectation', head('GET /', `Expect: ${SECRET}`), 417, 'EXPECTATION_FAILED'],
  ['a NUL in a header', head('GET /', `X-Bad: ${SECRET}\0`), 400, 'BAD_REQUEST'],
  ['a name with a space', head('GET /', `X Bad: ${SECRET}`), 400, 'BAD_REQUEST'],
  [
    'two lengths',
    head('POST /users', 'Content-Type: application/json', 'Content-Length: 5', 'Content-Length: 6') + SECRET,
    400,
    'BAD_REQUEST',
  ],
  ['a negative length', head('POST /users', 'Content-Length: -1') + SECRET, 400, 'BAD_REQUEST'],
  [
    'a length and chunks',
    `${head('POST /users', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'an encoding behind chunked',
    `${head('POST /users', `Transfer-Encoding: chunked, ${SECRET}`)}0\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  ['no HTTP at all', `${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['HTTP 9.9', `GET / HTTP/9.9\r\nHost: ${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'BAD_REQUEST'],
  ['TLS', Buffer.from('160301020001', 'hex'), 400, 'BAD_REQUEST'],
  ['a redis command', `*1\r\n$4\r\n${SECRET}\r\n`, 400, 'BAD_REQUEST'],
  // What is asked of the answer.
  ['Accept without sense', head('GET /nowhere', `Accept: ${SECRET};;q=NaN,,,*/*;q=-1`), 404, 'ROUTE_NOT_FOUND'],
  ['Accept of 10 KB', head('GET /nowhere', `Accept: ${'a/b;q=0.1,'.repeat(1_000)}`), 404, 'ROUTE_NOT_FOUND'],
  [
    'Accept-Language without sense',
    head('GET /nowhere', `Accept-Language: ${SECRET};q=x, ${'-'.repeat(5_000)}`),
    404,
    'ROUTE_NOT_FOUND',
  ],
  [
    'a list of languages of 10 KB',
    head('GET /nowhere', `Accept-Language: ${'en;q=0.1,'.repeat(1_100)}`),
    404,
    'ROUTE_NOT_FOUND',
  ],
]
