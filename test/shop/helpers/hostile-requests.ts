import { head, post } from './wire.ts'

/** Marks input that must never appear in an answer. */
export const SECRET = 'S3CR3T'

const user = `{"email":"${SECRET}@b","nombre":"A"}`
const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

/** Hostile requests: a description, the bytes, the expected status and the expected error code. */
export const HOSTILE: readonly (readonly [string, string | Uint8Array, number, string])[] = [
  // Bodies.
  ['malformed JSON', post('/users', `{"email":"${SECRET}`), 400, 'MALFORMED_JSON'],
  ['JSON in single quotes', post('/users', `{'email':'${SECRET}'}`), 400, 'MALFORMED_JSON'],
  ['NaN', post('/users', `{"email":NaN,"nombre":"${SECRET}"}`), 400, 'MALFORMED_JSON'],
  ['an empty body', post('/users', ''), 400, 'MALFORMED_JSON'],
  ['no body and no type', head('POST /users', 'Content-Length: 0'), 400, 'MALFORMED_JSON'],
  ['nothing at all', head('POST /users'), 400, 'MALFORMED_JSON'],
  ['two JSON texts', post('/users', `${user}${user}`), 400, 'MALFORMED_JSON'],
  ['a NUL after the JSON', post('/users', `${user}\0`), 400, 'MALFORMED_JSON'],
  ['bytes that are not UTF-8', post('/users', '""').replace('""', '\xff\xfe'), 400, 'MALFORMED_JSON'],
  ['UTF-16', post('/users', '12345678').replace('12345678', '\xff\xfe{\0"\0}\0'), 400, 'MALFORMED_JSON'],
  [
    'gzip, which no hook decodes',
    head('POST /users', 'Content-Type: application/json', 'Content-Encoding: gzip', 'Content-Length: 4') +
      '\x1f\x8b\x08\x00',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['__proto__', post('/users', `{"__proto__":{"${SECRET}":1},"email":"a@b","nombre":"b"}`), 400, 'MALFORMED_JSON'],
  ['constructor.prototype', post('/users', `{"constructor":{"prototype":{"${SECRET}":1}}}`), 400, 'MALFORMED_JSON'],
  ['an array nested 100,000 levels deep', post('/users', nested), 422, 'VALIDATION_ERROR'],
  ['an object instead of text', post('/users', `{"email":{"${SECRET}":1},"nombre":[]}`), 422, 'VALIDATION_ERROR'],
  ['a number that overflows', post('/users', `{"email":1e999,"nombre":"${SECRET}"}`), 422, 'VALIDATION_ERROR'],
  ['keys in the wrong case', post('/users', `{"Email":"${SECRET}@b","Nombre":"x"}`), 422, 'VALIDATION_ERROR'],
  [
    'a list of 10,000 users',
    post('/users', `[${Array.from({ length: 10_000 }, () => user).join()}]`),
    422,
    'VALIDATION_ERROR',
  ],
  [
    'an e-mail of one megabyte',
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
    'a chunk longer than its announced size',
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
  // URLs.
  ['a path that cannot be decoded', head(`GET /items/%zz${SECRET}`), 400, 'BAD_REQUEST'],
  ['an incomplete UTF-8 sequence', head(`GET /items/%c3${SECRET}`), 400, 'BAD_REQUEST'],
  ['a path of 10 KB', head(`GET /items/${SECRET}${'x'.repeat(10_000)}`), 414, 'URI_TOO_LONG'],
  ['a query of 10 KB', head(`GET /?${SECRET}${'x'.repeat(10_000)}`), 414, 'URI_TOO_LONG'],
  ['a path with ../ segments', head(`GET /items/../../../../etc/${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['two slashes', head(`GET //${SECRET}/x`), 404, 'ROUTE_NOT_FOUND'],
  ['a Windows path', head(`GET /..\\..\\${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['__proto__ as a path', head('GET /__proto__'), 404, 'ROUTE_NOT_FOUND'],
  ['the fault switch, which only dependencies have', head('GET /__faults'), 404, 'ROUTE_NOT_FOUND'],
  ['a query that sets __proto__', head(`GET /bulkhead-demo/a?__proto__[ms]=${SECRET}&ms=x`), 422, 'VALIDATION_ERROR'],
  ['SQL instead of a number', head(`GET /bulkhead-demo/a?ms=1;DROP%20TABLE%20${SECRET}`), 422, 'VALIDATION_ERROR'],
  ['the absolute URL of another server', head(`GET http://127.0.0.1:22/${SECRET}`), 404, 'ROUTE_NOT_FOUND'],
  ['an asterisk', head('OPTIONS *'), 405, 'METHOD_NOT_ALLOWED'],
  // Methods and headers.
  ['a wrong method', head(`DELETE /items/item1?${SECRET}`), 405, 'METHOD_NOT_ALLOWED'],
  ['TRACE', head('TRACE /', `X-Secret: ${SECRET}`), 405, 'METHOD_NOT_ALLOWED'],
  ['a WebDAV method', head('PROPFIND /'), 405, 'METHOD_NOT_ALLOWED'],
  ['an unknown method', head(`${SECRET} /`), 400, 'BAD_REQUEST'],
  ['CONNECT', head(`CONNECT ${SECRET}:443`), 405, 'METHOD_NOT_ALLOWED'],
  ['a header of 20 KB', head('GET /', `X-Long: ${SECRET}${'x'.repeat(20_000)}`), 431, 'HEADERS_TOO_LARGE'],
  [
    '2,000 headers',
    head('GET /', ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: ${SECRET}`)),
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['no Host header', `GET / HTTP/1.1\r\nConnection: close\r\nX-Secret: ${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['two Host headers', head('GET /', `Host: ${SECRET}`), 400, 'BAD_REQUEST'],
  ['an unknown expectation', head('GET /', `Expect: ${SECRET}`), 417, 'EXPECTATION_FAILED'],
  ['a NUL in a header', head('GET /', `X-Bad: ${SECRET}\0`), 400, 'BAD_REQUEST'],
  ['a header name with a space', head('GET /', `X Bad: ${SECRET}`), 400, 'BAD_REQUEST'],
  [
    'two Content-Length headers',
    head('POST /users', 'Content-Type: application/json', 'Content-Length: 5', 'Content-Length: 6') + SECRET,
    400,
    'BAD_REQUEST',
  ],
  ['a negative Content-Length', head('POST /users', 'Content-Length: -1') + SECRET, 400, 'BAD_REQUEST'],
  [
    'Content-Length together with chunked',
    `${head('POST /users', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'a transfer encoding after chunked',
    `${head('POST /users', `Transfer-Encoding: chunked, ${SECRET}`)}0\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  ['bytes that are not HTTP', `${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['HTTP 9.9', `GET / HTTP/9.9\r\nHost: ${SECRET}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a TLS record', Buffer.from('160301020001', 'hex'), 400, 'BAD_REQUEST'],
  ['a Redis command', `*1\r\n$4\r\n${SECRET}\r\n`, 400, 'BAD_REQUEST'],
  // Content negotiation.
  ['an invalid Accept', head('GET /nowhere', `Accept: ${SECRET};;q=NaN,,,*/*;q=-1`), 404, 'ROUTE_NOT_FOUND'],
  ['an Accept of 10 KB', head('GET /nowhere', `Accept: ${'a/b;q=0.1,'.repeat(1_000)}`), 404, 'ROUTE_NOT_FOUND'],
  [
    'an invalid Accept-Language',
    head('GET /nowhere', `Accept-Language: ${SECRET};q=x, ${'-'.repeat(5_000)}`),
    404,
    'ROUTE_NOT_FOUND',
  ],
  [
    'an Accept-Language of 10 KB',
    head('GET /nowhere', `Accept-Language: ${'en;q=0.1,'.repeat(1_100)}`),
    404,
    'ROUTE_NOT_FOUND',
  ],
]
