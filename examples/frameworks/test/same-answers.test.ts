import { request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endServices, FRAMEWORKS, freePorts, type Service, startService } from './services.ts'

// The services side by side: the same status, body and headers of escudo, apart from trace ids and the name of the service.

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

let services: readonly Service[]
beforeAll(async () => {
  const ports = await freePorts(FRAMEWORKS.length)
  services = await Promise.all(FRAMEWORKS.map((framework, index) => startService(framework, ports[index] as number)))
})
afterAll(async () => {
  try {
    for (const service of services) expect(await service.stop()).toEqual({ exit: [0, null], errors: '' })
  } finally {
    await endServices()
  }
})

const gets = (...paths: readonly string[]): readonly Sent[] => paths.map((path) => ({ method: 'GET', path }))
const post = (body: string, type = 'application/json'): Sent => ({
  method: 'POST',
  path: '/users',
  headers: { 'content-type': type },
  body,
})
const REQUESTS: readonly Sent[] = [
  ...gets('/items/1', '/items/x', '/items/%C3%B1', '/items/a%2Fb', '/items/%zz', `/items/${'x'.repeat(5_000)}`, '/'),
  ...gets(
    '/items',
    '/items/',
    '/throw/',
    '/items/z/..',
    '/throw/null',
    '/throw/axios-401',
    '/throw/getter',
    '/throw/nothing',
    '/throw-after-cache-headers',
  ),
  ...['circular', 'bigint', 'map', 'getter', 'proxy', 'proto', 'deep', 'symbol'].flatMap((kind) =>
    gets(`/context/${kind}`),
  ),
  ...['open', 'full', 'timeout', 'refused', '401'].flatMap((how) => gets(`/upstream/${how}`)),
  ...['HEAD', 'DELETE', 'OPTIONS', 'TRACE'].map((method) => ({ method, path: '/items/x' })),
  ...['GET', 'HEAD', 'PATCH'].map((method) => ({ method, path: '/users' })),
  ...['es', 'en', 'es-MX;q=0.5, en;q=0', '*'].map((language) => ({
    method: 'GET',
    path: '/items/x',
    headers: { 'accept-language': language, accept: 'application/problem+json' },
  })),
  ...['*', 'ftp://shop/items/1', 'http://shop/items/x', 'HTTP://SHOP/items/x', '//shop/items/1'].flatMap((path) =>
    gets(path),
  ),
  { method: 'OPTIONS', path: '*' },
  post('{"email":"a","nombre":"b","more":1}'),
  post('{"email":5}'),
  post('{'),
  post(''),
  post('null'),
  post('[1]'),
  post('{"a":{"__proto__":1}}'),
  post('{}', 'text/plain'),
  post('{}', 'application/vnd.api+json'),
  post('{}', 'application/json; charset=utf-16'),
  post(' '.repeat(1_100_000)),
]

describe.skipIf(FRAMEWORKS.length < 2)('all frameworks give the same answer', () => {
  it.each(REQUESTS)('$method $path $headers $body', async (sent) => {
    const answers = await Promise.all(services.map(async ({ port }) => comparable(await send(port, sent))))
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('with an OpenAPI document that lists the same errors, where a tool collects the routes', async () => {
    const documented = services.filter(({ framework }) => /^(fastify|hono|nest)/.test(framework))
    expect(documented).toHaveLength(6)
    const documents = await Promise.all(
      documented.map(async ({ port }) => {
        const answer = await fetch(`http://127.0.0.1:${port}/openapi.json`)
        return (await answer.json()) as { paths: Record<string, Record<string, { responses: object }>> }
      }),
    )
    const errorsOf = ({ paths }: (typeof documents)[number]) =>
      Object.fromEntries(
        Object.entries(paths).flatMap(([path, { get }]) => {
          const errors = Object.entries(get?.responses ?? {}).filter(([status]) => /^[45d]/.test(status))
          return get === undefined ? [] : [[path, Object.fromEntries(errors)]]
        }),
      )
    const [first, ...others] = documents.map(errorsOf)
    expect(Object.keys(first ?? {})).toContain('/items/{id}')
    for (const other of others) expect(other).toEqual(first)
  })

  it('to random requests; every error has the six keys or is a problem, and no trace is mixed up', async () => {
    const path = fc.oneof(
      fc.constantFrom('/items/1', '/users', '/throw/null', '/context/deep', '/upstream/full', '/deadline'),
      fc
        .string({ unit: fc.constantFrom('a', '%', '%20', '%zz', '.', '/', ';', 'ñ'), maxLength: 8 })
        .map((text) => `/items/z${text}`)
        // Hono and web servers resolve it, as docs/web.md says.
        .filter((text) => !text.includes('/../')),
    )
    const sent = fc.record({
      method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'DELETE'),
      path: path.map((text) => text.replaceAll('ñ', '%C3%B1')),
      headers: fc.record({
        'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', ''),
        accept: fc.constantFrom('*/*', 'application/problem+json', 'text/html;q=x,,'),
        traceparent: fc.stringMatching(/^00-[1-9a-f]{32}-[1-9a-f]{16}-01$/),
      }),
      body: fc.oneof(fc.json(), fc.string(), fc.constant('{"email":"a","nombre":"b"}')),
    })
    const property = fc.asyncProperty(fc.array(sent, { minLength: 4, maxLength: 4 }), async (batch) => {
      await Promise.all(
        batch.map(async (one) => {
          const all = await Promise.all(services.map(({ port }) => send(port, one)))
          for (const answer of all) {
            expect(answer.headers['x-trace-id']).toBe(one.headers.traceparent.slice(3, 35))
            if (answer.status >= 400) expectErrorBody(answer)
            if (answer.status === 500) expect(one.path).toBe('/throw/null')
            expect(comparable(answer)).toEqual(comparable(all[0] as Answer))
          }
        }),
      )
    })
    await fc.assert(property, { numRuns: 100 })
  })
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

function send(port: number, { method, path, headers, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const outgoing = request({ port, method, path, headers: { ...headers, ...length }, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The headers of escudo. */
const NAMES = [
  'content-type',
  'content-language',
  'cache-control',
  'vary',
  'allow',
  'retry-after',
  'www-authenticate',
  'etag',
]

function comparable({ status, headers, text }: Answer): unknown {
  const kept = status < 400 ? [] : NAMES.map((name) => [name, headers[name]])
  const body = text.replaceAll(/[0-9a-f]{32}/g, '<trace>').replaceAll(/small-service-\w+/g, '<service>')
  return { status, headers: Object.fromEntries(kept), body }
}

function expectErrorBody({ headers, text }: Answer): void {
  const keys = Object.keys(JSON.parse(text))
  const six = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']
  const isProblem = headers['content-type'] === 'application/problem+json'
  expect(isProblem ? keys.filter((key) => six.includes(key)) : keys).toEqual(six)
}
