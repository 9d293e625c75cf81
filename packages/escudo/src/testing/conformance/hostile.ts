import { header, type RawAnswer } from './answer.ts'
import type { ConformanceCheck } from './conformance-check.ts'
import { exchangeBytes, requestText, type Target } from './connection.ts'
import { type ExpectedError, expectError, expectSame, expectThat } from './expectations.ts'
import type { ConformanceRoutes } from './routes.ts'

// Requests that no honest client sends. Each one has exactly one right answer.

/** A hostile request and its answer. */
interface Hostile {
  readonly name: string
  readonly bytes: string | Uint8Array
  readonly method?: string
  readonly expected: ExpectedError
  readonly verify?: (answer: RawAnswer) => void
}

const MIB = 1_048_576
/** Must never come back. */
const SECRET = 'hunter2-secret'

/** The checks of hostile input. Those whose route is missing are omitted. */
export function hostileChecks(target: Target, routes: ConformanceRoutes): readonly ConformanceCheck[] {
  const { get, parameter, post } = routes
  return [
    ...anywhere(),
    ...(get === undefined ? [] : onGet(get)),
    ...(parameter === undefined ? [] : onParameter(parameter.slice(0, parameter.lastIndexOf('/')))),
    ...(post === undefined ? [] : onPost(post)),
  ]
    .map((hostile): ConformanceCheck => ({ name: `hostile: ${hostile.name}`, run: () => check(target, hostile) }))
    .concat(
      get === undefined ? [] : traceChecks(target, get),
      post === undefined ? [] : [endlessCheck(target, post.path), ...validChecks(target, post)],
    )
}

async function check(target: Target, { bytes, method = 'GET', expected, verify }: Hostile): Promise<void> {
  const answers = await exchangeBytes(target, bytes, [method])
  expectSame('answers', answers.length, 1)
  const answer = answers[0] as RawAnswer
  expectError(answer, expected)
  expectThat(!answer.body.includes(SECRET), 'the answer repeats what the client sent')
  verify?.(answer)
}

const error = (status: number, code: string): ExpectedError => ({ status, code })
const BAD_REQUEST = error(400, 'BAD_REQUEST')
const TOO_LONG = error(414, 'URI_TOO_LONG')
const NOT_FOUND = error(404, 'ROUTE_NOT_FOUND')

function anywhere(): readonly Hostile[] {
  const unknown = '/no-such-route-of-this-service'
  return [
    { name: 'an unknown route', bytes: requestText('GET', `${unknown}?${SECRET}`), expected: NOT_FOUND },
    {
      name: 'an unknown route with malformed JSON',
      bytes: requestText('POST', unknown, ['Content-Type: application/json'], '{'),
      expected: NOT_FOUND,
    },
    {
      name: 'HEAD of an unknown route',
      bytes: requestText('HEAD', unknown),
      method: 'HEAD',
      expected: { ...NOT_FOUND, isHead: true },
    },
    {
      name: 'hostile Accept and Accept-Language',
      bytes: requestText('GET', unknown, [
        `Accept: ${'*/*;q=0.1,'.repeat(200)};;=,,${SECRET}`,
        `Accept-Language: ${'x-'.repeat(500)},;q=NaN,*;q=-1`,
      ]),
      expected: NOT_FOUND,
    },
    { name: 'a URL that is too long', bytes: requestText('GET', `/?${'x'.repeat(9_000)}`), expected: TOO_LONG },
    { name: 'bytes that are not HTTP', bytes: 'rubbish\r\n\r\n', expected: BAD_REQUEST },
    {
      name: 'CONNECT',
      bytes: requestText('CONNECT', 'shop:443'),
      method: 'CONNECT',
      expected: error(405, 'METHOD_NOT_ALLOWED'),
    },
  ]
}

function onGet(path: string): readonly Hostile[] {
  const allowsGet = (answer: RawAnswer): void => {
    const methods = (header(answer, 'allow') ?? '').split(/\s*,\s*/)
    expectThat(methods.includes('GET'), `allow: expected GET, got ${methods.join(', ')}`)
  }
  const wrongMethod = (method: string): Hostile => ({
    name: `the method ${method} on a path that has others`,
    bytes: requestText(method, path),
    method,
    expected: error(405, 'METHOD_NOT_ALLOWED'),
    verify: allowsGet,
  })
  return [
    ...['DELETE', 'PUT', 'OPTIONS', 'PURGE'].map(wrongMethod),
    { name: 'no Host', bytes: `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`, expected: BAD_REQUEST },
    { name: 'two Hosts', bytes: requestText('GET', path, ['Host: other']), expected: BAD_REQUEST },
    {
      name: 'an invalid Host',
      bytes: `GET ${path} HTTP/1.1\r\nHost: a b<script>\r\nConnection: close\r\n\r\n`,
      expected: BAD_REQUEST,
    },
    { name: 'NUL in a header', bytes: requestText('GET', path, ['X-Bad: a\u0000b']), expected: BAD_REQUEST },
    {
      name: '20 KB of header',
      bytes: requestText('GET', path, [`X-Long: ${'x'.repeat(20_000)}`]),
      expected: error(431, 'HEADERS_TOO_LARGE'),
    },
    {
      name: 'an unknown expectation',
      bytes: requestText('GET', path, ['Expect: the-moon']),
      expected: error(417, 'EXPECTATION_FAILED'),
    },
  ]
}

function onParameter(prefix: string): readonly Hostile[] {
  return [
    { name: 'a path that cannot be decoded', bytes: requestText('GET', `${prefix}/%zz`), expected: BAD_REQUEST },
    { name: 'a path with half an escape', bytes: requestText('GET', `${prefix}/%e0%a4`), expected: BAD_REQUEST },
    {
      name: 'HEAD of a path that cannot be decoded',
      bytes: requestText('HEAD', `${prefix}/%zz`),
      method: 'HEAD',
      expected: { ...BAD_REQUEST, isHead: true },
    },
    {
      name: 'a parameter that is too long',
      bytes: requestText('GET', `${prefix}/${'x'.repeat(5_000)}`),
      expected: TOO_LONG,
    },
  ]
}

function onPost({ path, body, limitBytes = MIB }: NonNullable<ConformanceRoutes['post']>): readonly Hostile[] {
  const valid = asciiJson(body)
  const post = (content: string, type: string | undefined = 'application/json', ...fields: string[]): string =>
    requestText('POST', path, [...(type === '' ? [] : [`Content-Type: ${type}`]), ...fields], content)
  const malformed = error(400, 'MALFORMED_JSON')
  const wrongType = error(415, 'UNSUPPORTED_MEDIA_TYPE')
  const tooLarge = error(413, 'PAYLOAD_TOO_LARGE')
  const chunked = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
  const bad = (name: string, bytes: string | Uint8Array, expected: ExpectedError): Hostile => ({
    name,
    bytes,
    method: 'POST',
    expected,
  })
  return [
    bad('malformed JSON', post(`{"${SECRET}":`), malformed),
    bad('an empty body where JSON is required', post(''), malformed),
    bad('no body and no content type', requestText('POST', path), malformed),
    bad('__proto__ in a body', post('{"__proto__":{"isAdmin":true}}'), malformed),
    bad('an escaped __proto__ in a body', post('{"\\u005f_proto__":{"isAdmin":true}}'), malformed),
    bad('bytes that are not UTF-8', notUtf8(path), malformed),
    bad('another charset', post(valid, 'application/json; charset=latin1'), wrongType),
    bad('plain text', post(valid, 'text/plain'), wrongType),
    bad('an empty body of plain text', post('', 'text/plain'), wrongType),
    bad('a form', post('email=a', 'application/x-www-form-urlencoded'), wrongType),
    bad('an invalid content type', post(valid, 'rubbish'), wrongType),
    bad('a body without a content type', post(valid, ''), wrongType),
    bad('a content coding that is not decoded', post(valid, 'application/json', 'Content-Encoding: rot13'), wrongType),
    bad('a body over the limit', post(`"${'x'.repeat(limitBytes)}"`), tooLarge),
    bad('a body of 5 MB over the limit', post(' '.repeat(Math.max(5 * MIB, limitBytes + MIB))), tooLarge),
    bad(
      'chunks over the limit',
      `${requestText('POST', path, chunked)}${chunk(' '.repeat(limitBytes + 1))}0\r\n\r\n`,
      tooLarge,
    ),
    bad('a broken chunk', `${requestText('POST', path, chunked)}zz\r\n`, BAD_REQUEST),
    bad(
      'both Content-Length and Transfer-Encoding, as in request smuggling',
      `${requestText('POST', path, ['Content-Length: 5', ...chunked])}0\r\n\r\n`,
      BAD_REQUEST,
    ),
  ]
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

function notUtf8(path: string): Uint8Array {
  const head = new TextEncoder().encode(
    requestText('POST', path, ['Content-Type: application/json'], 'xxxx').slice(0, -4),
  )
  return Uint8Array.from([...head, 0x22, 0xff, 0xfe, 0x22])
}

/** Which trace an answer continues. */
function traceChecks(target: Target, path: string): readonly ConformanceCheck[] {
  const id = 'a'.repeat(32)
  const span = 'b'.repeat(16)
  const traceOf = async (...fields: string[]): Promise<string | undefined> => {
    const [answer] = await exchangeBytes(target, requestText('GET', path, fields), ['GET'])
    return answer === undefined ? undefined : header(answer, 'x-trace-id')
  }
  const restarts = (name: string, ...fields: string[]): ConformanceCheck => ({
    name: `hostile: ${name} restarts the trace`,
    run: async () => {
      const got = await traceOf(...fields)
      expectThat(/^(?!0{32})[0-9a-f]{32}$/.test(got ?? '') && got !== id, `expected a new trace id, got ${got}`)
    },
  })
  return [
    {
      name: 'a valid traceparent is continued',
      run: async () => expectSame('x-trace-id', await traceOf(`traceparent: 00-${id}-${span}-01`), id),
    },
    {
      name: 'a traceparent of a higher version is continued',
      run: async () => expectSame('x-trace-id', await traceOf(`traceparent: 01-${id}-${span}-01-more`), id),
    },
    restarts('a traceparent in upper case', `traceparent: 00-${id.toUpperCase()}-${span}-01`),
    restarts('a traceparent of zeros', `traceparent: 00-${'0'.repeat(32)}-${span}-01`),
    restarts('a traceparent of version ff', `traceparent: ff-${id}-${span}-01`),
    restarts('a traceparent that is too long', `traceparent: 00-${id}-${span}-01-x`),
    restarts('two traceparents', `traceparent: 00-${id}-${span}-01`, `traceparent: 00-${'c'.repeat(32)}-${span}-01`),
    restarts('rubbish in place of a traceparent', `traceparent: ${'x'.repeat(5_000)}`),
  ]
}

/** More than any server should read of a body that it has refused. */
const ENDLESS_BYTES = 24 * MIB

function endlessCheck(target: Target, path: string): ConformanceCheck {
  return {
    name: 'hostile: an upload without an end is answered with 413, or its connection closed',
    run: async () => {
      const head = requestText('POST', path, ['Content-Type: application/json', 'Transfer-Encoding: chunked'])
      let answers: readonly RawAnswer[] = []
      try {
        answers = await exchangeBytes(target, head + chunk(' '.repeat(MIB)).repeat(ENDLESS_BYTES / MIB), ['POST'])
      } catch (error) {
        // A reset may overtake the answer.
        if (!RESETS.includes((error as { readonly code?: unknown }).code)) throw error
      }
      for (const answer of answers) expectError(answer, error(413, 'PAYLOAD_TOO_LARGE'))
    },
  }
}

const RESETS: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED']

/** What must work although it is unusual. */
function validChecks(
  target: Target,
  { path, body, status = 201 }: NonNullable<ConformanceRoutes['post']>,
): readonly ConformanceCheck[] {
  const valid = asciiJson(body)
  const sent = async (bytes: string, count = 1): Promise<void> => {
    const answers = await exchangeBytes(target, bytes, ['POST', 'POST'])
    expectSame(
      'statuses',
      answers.map((answer) => answer.status),
      Array.from({ length: count }, () => status),
    )
  }
  const head = requestText('POST', path, ['Content-Type: application/json'], valid)
  return [
    { name: 'chunks within the limit are read', run: () => sent(chunkedText(path, valid)) },
    {
      name: 'UTF-8 as charset, in any case and with quotation marks, is accepted',
      run: () => sent(requestText('POST', path, ['Content-Type: APPLICATION/JSON; charset="UTF-8"'], valid)),
    },
    {
      name: 'an expected 100-continue is answered',
      run: () => sent(head.replace('\r\n', '\r\nExpect: 100-continue\r\n')),
    },
    {
      name: 'two requests sent at once get their answers in order',
      run: () => sent(head.replace('Connection: close\r\n', '') + head, 2),
    },
  ]
}

function chunkedText(path: string, text: string): string {
  const head = requestText('POST', path, ['Content-Type: application/json', 'Transfer-Encoding: chunked'])
  const half = Math.ceil(text.length / 2)
  return `${head}${chunk(text.slice(0, half))}${chunk(text.slice(half))}0\r\n\r\n`
}

/** JSON of ASCII characters only, so that it can be divided at any one. */
function asciiJson(body: unknown): string {
  return JSON.stringify(body).replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
