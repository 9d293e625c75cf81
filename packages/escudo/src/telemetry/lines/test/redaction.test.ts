import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { isSecretName } from '../../../core/secret-names.ts'
import { createLogger } from '../../pino.ts'
import { logged, S } from './setup.ts'

describe('a secret name', () => {
  test.each([
    'authorization',
    'Proxy-Authorization',
    'X-Api-Key',
    'x_api_key',
    'apiKey',
    'APIKey',
    'apikey',
    'API_KEY',
    'api__key',
    'pass--word',
    'apiKeys',
    'accessToken',
    'access_token',
    'ACCESS_TOKEN',
    'auth.token',
    'token2',
    'refreshTokens',
    'tokens',
    'set-cookie',
    'Set-Cookie',
    'cookies',
    'db_password',
    'DB_PASSWORD',
    'passWord',
    'passwd',
    'passwords',
    'clientSecret',
    'secrets',
    'awsCredentials',
    'credential',
    'user[password]',
    'HTTPAuthorization',
    'accesstoken',
    'xcsrftoken',
    'clientsecret',
    'PGPASSWORD',
    'csrfmiddlewaretoken',
    'ｐａｓｓｗｏｒｄ',
    'pássword',
    'to\u00adken',
    'Ａpi-key',
  ])('is %s', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  test.each([
    'max_tokens',
    'maxTokens',
    'promptTokens',
    'tokenizer',
    'secretary',
    'cookiecutter',
    'key',
    'api',
    'pass',
    'maxtokens',
    'contraste',
  ])('is not %s', (name) => {
    expect(isSecretName(name)).toBe(false)
  })

  test('is found quickly in a very long key', () => {
    const startedMs = performance.now()
    expect(isSecretName(`${'A'.repeat(200_000)}token`)).toBe(true)
    expect(performance.now() - startedMs).toBeLessThan(500)
  })
})

describe('redaction holds whatever else the object holds', () => {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const cycle: Record<string, unknown> = { token: S }
  cycle['self'] = cycle
  const companions: readonly (readonly [string, unknown])[] = [
    ['a URL', new URL('http://h/')],
    ['a Buffer', Buffer.from('a')],
    ['a typed array', new Float64Array(3)],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a Response', new Response('body')],
    ['a Request', new Request('http://h/')],
    ['an AbortSignal', AbortSignal.abort()],
    ['a Map', new Map([['password', S]])],
    ['a Map with object keys', new Map([[{}, { token: S }]])],
    ['a Set', new Set([{ token: S }])],
    ['Headers', new Headers({ authorization: S })],
    ['FormData', formOf('password', S)],
    ['URLSearchParams', new URLSearchParams({ token: S, page: '1' })],
    ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: trap })],
    ['a proxy that throws', new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap, has: trap })],
    ['a revoked proxy', revoked.proxy],
    ['a toJSON that throws', { toJSON: trap }],
    ['a toJSON that returns a secret', { toJSON: () => ({ deep: [{ password: S }] }) }],
    ['a toJSON that returns itself', { toJSON: self, token: S }],
    ['a cycle', cycle],
    ['a bigint', 5n],
    ['a symbol', Symbol(S)],
    ['a function', trap],
    ['a Date', new Date(0)],
    ['an invalid Date', new Date(Number.NaN)],
    ['a RegExp', /x/],
    ['a promise', Promise.resolve(S)],
    ['a stream', new PassThrough()],
    ['an emitter', new EventEmitter()],
    ['a WeakMap', new WeakMap()],
    [
      'a class instance',
      new (class Account {
        readonly user = 'bob'
        readonly apiKey = S
      })(),
    ],
    ['an object without prototype', Object.assign(Object.create(null), { token: S })],
    ['NaN', Number.NaN],
    ['an Error', Object.assign(new Error('z'), { config: { headers: { Authorization: S } } })],
    ['a cause', new Error('z', { cause: Object.assign(new Error('y'), { password: S }) })],
    ['an AggregateError', new AggregateError([Object.assign(new Error('y'), { token: S })], 'all')],
    ['an Error with a URL', Object.assign(new Error('z'), { url: new URL(`http://u:${S}@h/`) })],
    ['raw headers', ['authorization', `Bearer ${S}`, 'host', 'h']],
    [
      'pairs of headers',
      [
        ['Authorization', S],
        ['host', 'h'],
      ],
    ],
    [
      'headers as objects',
      [
        { name: 'authorization', value: S },
        { value: S, name: 'cookie' },
      ],
    ],
    ['arguments of a command', ['node', 'x.js', '--token', S]],
    ['an option of a command', [`--token=${S}`]],
    ['the user info of a URL', `https://user:${S}@h:1/p`],
    ['user info with spaces and an @', `http://user:a b@${S}@h/`],
    ['a URL without slashes', `http:user:${S}@h/`],
    ['the user info of another scheme', `postgres://app:${S}@db:5432/x`],
    ['a secret in a query', `http://h/?a=1&access_token=${S}&b=2`],
    ['an encoded name in a query', `http://h/?%74oken=${S}`],
    ['a secret in a fragment', `http://h/#access_token=${S}&state=1`],
    ['a path with a query', `/login?token=a'${S}`],
    ['a URL in a sentence', `cannot reach https://u:${S}@h/x, giving up`],
    ['a stack', new Error(`cannot reach http://u:${S}@h/`)],
    ['a URL in a query', `http://h/?next=http://u:${S}@h/`],
    ['an encoded URL in a query', `/login?next=${encodeURIComponent(`http://h/?token=${S}`)}`],
    ['a form', `user=bob&password=${S}`],
    ['JSON in text', JSON.stringify({ password: S, user: 'bob' })],
    ['JSON in JSON in text', JSON.stringify({ data: JSON.stringify({ nested: { password: S } }) })],
    ['JSON that breaks off', `{"password":"${S}","user":"b`],
    ['a dump of a request', `GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${S}\r\n\r\n`],
    ['a cookie in a sentence', `sent cookie: session=${S}`],
    ['a long text', `${'x'.repeat(20_000)} token=${S}`],
    ['a password that is longer than a text may be', `http://user:${'p'.repeat(20_000)}${S}@h/`],
    ['a boxed string', new String('boxed')],
    ['credentials after the name of their scheme', `authorization=Bearer ${S}`],
    ['credentials without the name of their header', `request with Bearer ${S} failed`],
    ['a header in the quotes of a command', `curl -H 'X-Auth-Token: ${S}' http://h`],
    ['a header in the middle of a line', `failed with x-access-token: ${S}, sorry`],
    ['cookies with commas', `sent Cookie: a=1,session=${S}`],
    ['a digest', `sent Authorization: Digest username="u", response="${S}", opaque="z"`],
    ['a secret after another pair', `jdbc:sqlserver://h;user=x;password=${S};a=b`],
    ['a query with semicolons', `http://h/?a=1;access_token=${S}`],
    ['a line of settings', `a = 1\npassword = "a \\" ${S}"`],
    ['an argument in a text', `Command failed: psql --password ${S} -h x`],
    ['a map as Node shows it', `Map(1) { 'authorization' => '${S}' }`],
    ['headers as Node shows them', `Headers {\n  accept: 'a',\n  'x-access-token': '${S}'\n}`],
    ['JSON inside a sentence', `body was {"tokens":["x","${S}"]} and so on`],
    ['an object in JSON that breaks off', `{"a":1,"credentials":{"user":"bob","pw":"${S}"`],
    ['a quote in a value of JSON that breaks off', `{"password":"a\\"${S}","b":{`],
    ['JSON in JSON that breaks off', `x ${JSON.stringify({ body: JSON.stringify({ password: `a"${S}` }) })}, {"`],
    ['an element of XML', `<wsse:Password Type="t">${S}</wsse:Password>`],
    ['a password with unencoded characters', `postgres://app:a#b/${S}@h/x`],
    ['an invalid URL in its error', Object.assign(new TypeError('Invalid URL'), { input: `postgres://u:?${S}@h/` })],
    ['a URL without scheme', `see //u:${S}@h/x`],
  ]

  test.each(companions)('%s', (_, value) => {
    const before = { password: S, deep: { list: [{ headers: { Cookie: S, accept: 'a' } }] } }
    const { text, texts, lines } = logged((log) => {
      log.info({ ...before, value, after: { 'X-Api-Key': S } }, 'beside')
      log.info({ value, ...before }, 'before')
      log.child({ value, ...before }).warn({ more: value }, 'bound')
      log
        .child({})
        .child({ list: [value] })
        .error(value as object, 'as the object')
      log.error({ err: new Error('outer', { cause: value }) }, 'as a cause')
      log.info('%o %s %j', value as object, before, before)
    })
    expect(text).not.toContain(S)
    expect(texts).toHaveLength(6)
    expect(lines[0]).toMatchObject({
      event: 'beside',
      password: '[redacted]',
      deep: { list: [{ headers: { Cookie: '[redacted]', accept: 'a' } }] },
      after: { 'X-Api-Key': '[redacted]' },
    })
    expect(lines[0]).toHaveProperty('value')
  })

  test('what cannot be written is replaced by its kind', () => {
    const { lines } = logged((log) =>
      log.info(
        {
          buffer: Buffer.from('abc'),
          response: new Response(),
          signal: new AbortController().signal,
          stream: new PassThrough(),
          fn: trap,
          symbol: Symbol('s'),
          big: 5n,
          set: new Set([1]),
          map: new Map([['a', 1]]),
          regexp: /x/g,
          date: new Date(0),
          url: new URL('http://h/p?page=2'),
          query: new URLSearchParams({ token: S, page: '1' }),
          unreadable: Object.defineProperty({}, 'x', { enumerable: true, get: trap }),
          text: null,
          nothing: undefined,
        },
        'kinds',
      ),
    )
    expect(lines[0]).toMatchObject({
      buffer: '[Buffer, 3 bytes]',
      response: '[Response]',
      signal: '[AbortSignal]',
      stream: '[PassThrough]',
      fn: '[function]',
      symbol: '[symbol]',
      big: '5',
      set: [1],
      map: { a: 1 },
      regexp: '/x/g',
      date: '1970-01-01T00:00:00.000Z',
      url: 'http://h/p?page=2',
      query: '?token=[redacted]&page=1',
      unreadable: { x: '[unreadable]' },
      text: null,
    })
    expect(lines[0]).not.toHaveProperty('nothing')
  })

  test('an error is written with its type, stack, fields, causes and errors', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:9'), { code: 'ECONNREFUSED' })
    const error = new TypeError('fetch failed', { cause: new AggregateError([refused], 'all') })
    const { lines } = logged((log) => log.error(error))
    expect(lines[0]).toMatchObject({
      event: 'fetch failed',
      err: {
        type: 'TypeError',
        message: 'fetch failed',
        stack: expect.stringContaining('redaction.test'),
        cause: { type: 'AggregateError', errors: [{ message: 'connect ECONNREFUSED ::1:9', code: 'ECONNREFUSED' }] },
      },
    })
  })

  test('a repeated object that contains no cycle is written each time', () => {
    const shared = { a: 1 }
    const { lines } = logged((log) => log.info({ one: shared, two: [shared, shared] }, 'shared'))
    expect(lines[0]).toMatchObject({ one: { a: 1 }, two: [{ a: 1 }, { a: 1 }] })
  })

  test('ordinary text is written as it is', () => {
    const texts = [
      'Unexpected token } in JSON at position 5',
      'http://h/items?page=2&q=a%20b#top',
      'bob@example.com',
      'a=b; c=d',
      'ratio 1:2 @ noon',
      '/items/:id?x=1',
      'TokenExpiredError: jwt expired\n    at TokenService.verify (file:///app/token-store.ts:12:3)',
      'connect ECONNREFUSED token-service:3000',
      'http://token-service:3000/x?page=1',
      'token-service: connection refused',
      'file:///app/node_modules/@scope/x.js:12:3',
      'http://h:8080/path@v2',
      'basic authentication failed',
      'unexpected token: identifier',
      'used max_tokens: 512',
      'token',
    ]
    const { lines } = logged((log) => log.info({ texts }, 'plain'))
    expect(lines[0]?.['texts']).toEqual(texts)
  })
})

describe('configured paths', () => {
  test.each<readonly [string, object, object]>([
    ['card.number', { card: { number: S, kind: 'visa' } }, { card: { number: '[redacted]', kind: 'visa' } }],
    ['items[*].pin', { items: [{ pin: S, id: 1 }] }, { items: [{ pin: '[redacted]', id: 1 }] }],
    ['*.pin', { a: { pin: S }, b: { pin: S } }, { a: { pin: '[redacted]' }, b: { pin: '[redacted]' } }],
    ['h["x-key"]', { h: { 'x-key': S } }, { h: { 'x-key': '[redacted]' } }],
    ['pin', { pin: { deep: S }, other: { pin: 'kept' } }, { pin: '[redacted]', other: { pin: 'kept' } }],
    ['list[1]', { list: ['kept', S] }, { list: ['kept', '[redacted]'] }],
    ['map.pin', { map: new Map([['pin', S]]) }, { map: { pin: '[redacted]' } }],
    [
      'err.config.pin',
      { err: Object.assign(new Error('x'), { config: { pin: S } }) },
      { err: { config: { pin: '[redacted]' } } },
    ],
    ['a.b.c', { a: { toJSON: () => ({ b: { c: S } }) } }, { a: { b: { c: '[redacted]' } } }],
  ])('%s', (path, fields, expected) => {
    const companion = { url: new URL('http://h/'), big: 1n }
    const { text, lines } = logged(
      (log) => {
        log.info({ ...fields, companion }, 'line')
        log.child({ ...fields, companion }).info('bound')
      },
      { redact: [path] },
    )
    expect(text).not.toContain(S)
    expect(lines).toMatchObject([expected, expected])
  })

  test('a child logger can add paths', () => {
    const { text } = logged((log) =>
      log.child({ pin: S }, { redact: ['pin', 'card.cvc'] }).info({ card: { cvc: S } }, 'x'),
    )
    expect(text).not.toContain(S)
  })

  test.each([
    { paths: ['q.pin'], censor: '#' },
    { paths: ['q.pin'], remove: true },
  ])('a child logger can add them in each form of pino: %j', (redact) => {
    const { text, texts } = logged((log) => log.child({ q: { pin: S } }, { redact }).info({ q: { pin: S } }, 'x'))
    expect(text).not.toContain(S)
    expect(texts).toHaveLength(1)
  })

  test('a path applies to a field whose name is taken', () => {
    const { text } = logged((log) => log.info({ service: S, event: { pin: S } }, 'x'), {
      redact: ['service', 'event.pin'],
    })
    expect(text).not.toContain(S)
  })

  test.each(['', '.a', 'a..b', 'a[', 'a]b', 5 as never])('a path that cannot be parsed is an error: %j', (path) => {
    expect(() => createLogger({ service: 'x', redact: [path] })).toThrow(TypeError)
  })
})

function trap(): never {
  throw new Error('trap')
}

function self(this: object): object {
  return this
}

function formOf(name: string, value: string): FormData {
  const form = new FormData()
  form.append(name, value)
  form.append(name, value)
  return form
}
