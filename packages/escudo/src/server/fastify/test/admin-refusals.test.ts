import fc from 'fast-check'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { definePolicy } from '../../../core/policy.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { coalesce } from '../../../policies/coalesce/coalesce.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { adminRoutes, contractOptions, escudo } from '../../fastify.ts'
import { adminServerPerTest, authorize, contract } from './admin-setup.ts'
import { heldShield as shield } from './held-shield.ts'
import { expectContract, send } from './setup.ts'

const start = adminServerPerTest()

const breaker = circuitBreaker()
const target = shield('refusing', timeout('2s'), retry({ maxRetries: 1 }), breaker)
const ISOLATE = { action: 'isolate' }
const OWN = '/refusing/circuitBreaker'

describe('adminRoutes: who may act', () => {
  it('answers 401 to an unknown client, and 403 as the service says, before it reads the body', async () => {
    const { get, post, actions } = await start()
    for (const authorization of ['', 'Bearer eve', 'ana']) {
      const unknown = await post(OWN, '{"no json', { authorization })
      expect([unknown.status, unknown.json.error_code]).toEqual([401, 'UNAUTHORIZED'])
      expect(unknown.headers.get('www-authenticate')).toBe('Bearer')
      expect((await get('', { authorization })).status).toBe(401)
      expect((await get('/refusing', { authorization })).status).toBe(401)
    }
    const user = await post(OWN, '{"no json', { authorization: 'Bearer user' })
    expect([user.status, user.json.error_code]).toEqual([403, 'NO_OPERATOR'])
    expect((await get('', { authorization: 'Bearer user' })).status).toBe(403)
    expect([breaker.state, actions()]).toEqual(['closed', []])
  })

  it.each([{}, { actor: '' }, { actor: 5 }, { actor: 'x'.repeat(201) }, null, 'ana', true])(
    'is a bug, and does nothing, if the function returns %j',
    async (operator) => {
      const { post, actions } = await start({ authorize: () => operator as never })
      const answer = await post(OWN, ISOLATE)
      expect([answer.status, answer.json.error_code]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
      expect([breaker.state, actions()]).toEqual(['closed', []])
    },
  )

  it.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://127.0.0.1:1' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'content-type': 'text/plain' }],
  ])('refuses a page of another origin: %j', async (headers) => {
    const { get, post, actions } = await start()
    for (const answer of [await post(OWN, ISOLATE, headers), await get('', headers)]) {
      expect([answer.status, answer.json.error_code]).toEqual([403, 'CROSS_ORIGIN_REFUSED'])
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    expect([breaker.state, actions()]).toEqual(['closed', []])
  })

  it('refuses a page that reaches the service by DNS rebinding, even with a valid token', async () => {
    const { port, actions } = await start({ hosts: ['shop.internal'] })
    const ask = (host: string, more = '') =>
      send(
        port,
        `POST /admin/shields${OWN} HTTP/1.1\r\nHost: ${host}\r\n${more}Authorization: Bearer ana\r\nContent-Type: application/json\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{"action":"reset"}`,
      )
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost.evil.example']) {
      expectContract(
        (await ask(host, `Origin: http://${host}\r\nSec-Fetch-Site: same-origin\r\n`))[0],
        403,
        'CROSS_ORIGIN_REFUSED',
      )
      expectContract((await ask(host))[0], 403, 'CROSS_ORIGIN_REFUSED')
    }
    expect(actions()).toEqual([])
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, 'shop.internal', 'SHOP.internal:8000', '[::1]:80']) {
      const own = `Origin: http://${host}\r\nSec-Fetch-Site: same-origin\r\n`
      expect([host, (await ask(host, own))[0]?.status]).toEqual([host, 200])
    }
    expect(actions()).toHaveLength(5)
  })

  it('answers no preflight', async () => {
    const { port } = await start()
    const preflight =
      'OPTIONS /admin/shields/refusing HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n'
    const [answer] = await send(port, preflight)
    expect(answer?.status).toBe(405)
    expect(Object.keys(answer?.headers ?? {}).join()).not.toContain('access-control')
  })
})

describe('adminRoutes: what is refused', () => {
  it.each([
    ['/nothing', ISOLATE, 404, 'SHIELD_NOT_FOUND', { shield: 'nothing' }],
    ['/__proto__/constructor', ISOLATE, 404, 'SHIELD_NOT_FOUND', { shield: '__proto__' }],
    [`/${'x'.repeat(500)}`, ISOLATE, 404, 'SHIELD_NOT_FOUND', { shield: `${'x'.repeat(100)}…` }],
    ['/refusing/nothing', ISOLATE, 404, 'POLICY_NOT_FOUND', { shield: 'refusing', policy: 'nothing' }],
    ['/refusing/constructor', ISOLATE, 404, 'POLICY_NOT_FOUND', { shield: 'refusing', policy: 'constructor' }],
    [
      '/refusing/nothing',
      { action: 'reconfigure', options: { a: 1 } },
      404,
      'POLICY_NOT_FOUND',
      { shield: 'refusing', policy: 'nothing' },
    ],
    [
      '/refusing/retry',
      ISOLATE,
      409,
      'ACTION_NOT_SUPPORTED',
      { shield: 'refusing', policy: 'retry', type: 'retry', action: 'isolate' },
    ],
  ])('%s %j: %i %s, and one line', async (path, body, status, code, context) => {
    const { post, actions } = await start()
    const answer = await post(path, { ...body, reason: 'why' })
    expect([answer.status, answer.json.error_code, answer.json.context]).toEqual([status, code, context])
    expect(answer.json.message).not.toContain('?')
    const refused = { outcome: 'refused', error_code: code, actor: 'ana', reason: 'why', before: null, after: null }
    expect(actions()).toEqual([expect.objectContaining({ ...refused, action: body.action })])
  })

  it('needs a name that only one shield has', async () => {
    const { get, post, actions } = await start()
    const twins = [shield('twins', circuitBreaker()), shield('twins', circuitBreaker())]
    for (const answer of [await get('/twins'), await post('/twins', ISOLATE)]) {
      expect([answer.status, answer.json.error_code]).toEqual([409, 'SHIELD_AMBIGUOUS'])
      expect(answer.json.context).toEqual({ shield: 'twins', count: twins.length })
    }
    expect(actions()).toHaveLength(1)
  })

  it('says which policy a shield without a circuit breaker lacks', async () => {
    const { post } = await start()
    shield('no-breaker', timeout('1s'))
    const { json } = await post('/no-breaker', ISOLATE, { 'accept-language': 'en' })
    expect(json.message).toBe("The shield 'no-breaker' has no policy 'circuitBreaker'.")
  })

  it.each([
    ['{', 'application/json', 400, 'MALFORMED_JSON'],
    ['', 'application/json', 400, 'MALFORMED_JSON'],
    ['{"action":"reset","__proto__":{}}', 'application/json', 400, 'MALFORMED_JSON'],
    ['{"action":"isolate"}', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['action=isolate', 'application/x-www-form-urlencoded', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['{"action":"isolate"}', 'multipart/form-data; boundary=x', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [`{"action":"isolate","reason":"${'x'.repeat(17_000)}"}`, 'application/json', 413, 'PAYLOAD_TOO_LARGE'],
  ])('does not read the body %j of type %s, and writes one line', async (body, type, status, code) => {
    const { post, actions } = await start()
    const answer = await post(OWN, body, { 'content-type': type })
    expect([answer.status, answer.json.error_code, breaker.state]).toEqual([status, code, 'closed'])
    expect(actions()).toEqual([expect.objectContaining({ outcome: 'refused', error_code: code, action: null })])
  })

  it('reads JSON only, whatever else the application reads', async () => {
    const app = Fastify(contractOptions(contract))
    await app.register(escudo, { contract })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, JSON.parse(String(body))))
    app.post('/form', async ({ body }) => body)
    await app.register(adminRoutes({ contract, authorize }))
    const headers = { authorization: 'Bearer ana', 'content-type': 'text/plain' }
    const form = { method: 'POST', headers, payload: '{"action":"isolate"}' } as const
    expect((await app.inject({ url: '/form', ...form })).statusCode).toBe(200)
    expect((await app.inject({ url: `/admin/shields${OWN}`, ...form })).statusCode).toBe(415)
    expect(breaker.state).toBe('closed')
    await app.close()
  })

  it.each([
    ['[]', ['']],
    ['5', ['']],
    ['null', ['']],
    [{}, ['/action']],
    [{ action: 'explode' }, ['/action']],
    [{ action: 'constructor' }, ['/action']],
    [{ action: ['isolate'] }, ['/action']],
    [{ action: 'isolate', reason: 5, force: true }, ['/force', '/reason']],
    [{ action: 'isolate', reason: ' ' }, ['/reason']],
    [{ action: 'isolate', reason: null }, ['/reason']],
    [{ action: 'isolate', reason: 'x'.repeat(201) }, ['/reason']],
    [{ action: 'isolate', options: {} }, ['/options']],
    [{ action: 'reconfigure' }, ['/options']],
    [{ action: 'reconfigure', options: {} }, ['/options']],
    [{ action: 'reconfigure', options: [1] }, ['/options']],
    [{ action: 'reconfigure', options: { a: { b: { c: { d: { e: { f: {} } } } } } } }, ['/options']],
  ])('422 with pointers for %j', async (body, pointers) => {
    const { post, actions } = await start()
    const answer = await post(OWN, body)
    expect([answer.status, answer.json.error_code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(answer.json.context.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers)
    expect(actions()).toEqual([expect.objectContaining({ outcome: 'refused', error_code: 'VALIDATION_ERROR' })])
  })

  it.each([
    ['/refusing/retry', { maxRetries: -1 }, '/options/maxRetries', 'expected a whole number of at least 0'],
    ['/refusing/retry', { maxRetries: '5' }, '/options/maxRetries', /^expected a whole number/],
    [
      '/refusing/retry',
      { retries: 1 },
      '/options/retries',
      /^no such option; known here: .*did you mean 'maxRetries'\?/,
    ],
    ['/refusing/retry', { 'a.b/c~d': 1 }, '/options/a.b~1c~0d', /^no such option/],
    ['/refusing/circuitBreaker', { openFor: { ' ] ': 0 } }, '/options/openFor/ ] ', /^no such option/],
    ['/refusing/circuitBreaker', { openFor: { 'a.b[0].c/d': 0 } }, '/options/openFor/a.b[0].c~1d', /^no such option/],
    ['/refusing/retry', { retryAfter: { '[': 0, '[.': 1 } }, '/options/retryAfter/[', /^no such option/],
    ['/refusing', { retry: { '.': 1 } }, '/options/retry/.', /^no such option/],
    ['/refusing/retry', { maxTotal: '5' }, '/options/maxTotal', /^expected a duration.*milliseconds\)$/],
    ['/refusing/retry', { retryAfter: { max: 'x' } }, '/options/retryAfter/max', /^expected a duration/],
    ['/refusing/retry', { classify: 'x' }, '/options/classify', /JSON cannot carry: change it in the program$/],
    ['/refusing/retry', { name: 'x' }, '/options/name', /cannot change/],
    ['/refusing/retry', { backoff: { constant: 'x' } }, '/options/backoff/constant', /^expected a duration/],
    ['/refusing/retry', { backoff: { linear: { base: 'x' } } }, '/options/backoff/linear/base', /^expected a duration/],
    ['/refusing/retry', { backoff: { other: 1 } }, '/options/backoff', /./],
    ['/refusing/timeout', { after: null }, '/options/after', /^expected a duration/],
    ['/refusing/circuitBreaker', { trip: { consecutive: 0 } }, '/options/trip/consecutive', /^expected a whole number/],
    [
      '/refusing/circuitBreaker',
      { trip: { failureRate: { threshold: 2 } } },
      '/options/trip/failureRate/threshold',
      /share/,
    ],
    [
      '/refusing/circuitBreaker',
      { trip: { anyTrip: [{ consecutive: 1 }, { consecutive: 'x' }] } },
      '/options/trip/anyTrip/1/consecutive',
      /whole/,
    ],
    ['/refusing/circuitBreaker', { trip: { anyTrip: [] } }, '/options/trip/anyTrip', /^expected at least one trip/],
    ['/refusing/circuitBreaker', { trip: {} }, '/options/trip', /^expected consecutive/],
    ['/refusing/circuitBreaker', { perKey: {} }, '/options/perKey', /cannot change/],
    ['/refusing', { retry: { maxRetries: -1 } }, '/options/retry/maxRetries', /^expected a whole number/],
    ['/refusing', { retry: 5 }, '/options/retry', /^expected an object/],
    [
      '/refusing',
      { nothing: { limit: 5 } },
      '/options/nothing',
      /^no such option; known here: timeout, retry, circuitBreaker/,
    ],
    [
      '/refusing',
      { retry: { maxRetries: 0 }, timeout: { after: 'x' } },
      '/options/timeout/after',
      /^expected a duration/,
    ],
    ['/joined/coalesce', { ttl: 5 }, '/options', /has no options that can change/],
  ])('%s: 422 for the options %j at %s', async (path, options, pointer, message) => {
    const { post, actions } = await start()
    if (path.startsWith('/joined')) shield(`joined`, coalesce())
    const { status, json } = await post(path, { action: 'reconfigure', options })
    expect([status, json.error_code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(json.context.errors).toEqual([
      { in: 'body', pointer, code: 'invalid_option', message: expect.stringMatching(message) },
    ])
    expect(actions()).toEqual([expect.objectContaining({ outcome: 'refused', before: null, after: null })])
  })

  it('writes one line for a client that disconnects before its body is complete', async () => {
    const { port, waitForLines } = await start()
    const head =
      'POST /admin/shields/refusing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ana\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n'
    await send(port, (socket) => socket.write(`${head}{"action":`, () => socket.end()))
    const [line] = await waitForLines('admin.action', 1)
    expect(line).toMatchObject({ actor: 'ana', outcome: 'refused', error_code: 'BAD_REQUEST' })
  })

  it('is a bug of a custom policy if it throws anything else', async () => {
    const { post, actions } = await start()
    const reconfigure = (): never => {
      throw new RangeError('secret detail')
    }
    shield('buggy', definePolicy({ name: 'buggy', wrap: (next) => next, reconfigure }))
    const { status, json } = await post('/buggy/buggy', { action: 'reconfigure', options: { a: 1 } })
    expect([status, json.error_code]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(JSON.stringify(json)).not.toContain('secret detail')
    expect(actions()).toEqual([expect.objectContaining({ outcome: 'refused', error_code: 'INTERNAL_SERVER_ERROR' })])
  })

  it('property: a hostile body is answered with 4xx, changes nothing and writes one line', async () => {
    const { post, actions } = await start()
    const before = JSON.stringify(target.status())
    const anyOptions = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('maxRetries', 'backoff', 'trip', 'after', 'retry', 'circuitBreaker')),
      fc.oneof(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom({ anyTrip: [{ anyTrip: [] }] }, { consecutive: -1 }, 1e308),
      ),
    )
    // The generator may hit valid options by chance: null is the default, and no options change nothing.
    const valid = (options: unknown): boolean => /null|\{\}|"(maxRetries|after)":/.test(JSON.stringify(options))
    const body = fc.oneof(
      fc.jsonValue({ maxDepth: 5 }),
      fc.record({ action: fc.jsonValue(), reason: fc.jsonValue(), options: fc.jsonValue() }, { requiredKeys: [] }),
      fc.record({ action: fc.constant('isolate'), reason: fc.constantFrom(1, '', {}, [], null, 'x'.repeat(201)) }),
      fc.record({ action: fc.constant('reconfigure'), options: anyOptions.filter((options) => !valid(options)) }),
    )
    let sent = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/refusing', '/refusing/timeout', OWN), body, async (path, value) => {
        const { status, json } = await post(path, JSON.stringify(value))
        sent += 1
        expect([400, 409, 422]).toContain(status)
        if (status === 422) expect(json.context.errors[0]).toMatchObject({ in: 'body', pointer: expect.any(String) })
        expect(actions()).toHaveLength(sent)
        expect(actions().at(-1)).toMatchObject({ outcome: 'refused', after: null })
      }),
      { numRuns: 300 },
    )
    expect(JSON.stringify(target.status())).toBe(before)
  })
})
