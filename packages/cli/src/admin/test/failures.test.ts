import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Answer, json, run, serve } from './setup.ts'

afterEach(() => vi.unstubAllEnvs())

const error = (error_code: string, message: string, context: object = {}) => ({
  error_code,
  message,
  context,
  trace_id: 'abc',
})
const ISOLATE = ['isolate', 'inventory', '--reason', 'x', '--url']

describe('an answer that is no success', () => {
  it.each([
    [
      401,
      error('UNAUTHORIZED', 'Who?'),
      1,
      'Who? Set ESCUDO_TOKEN, or use --token TOKEN. (401 UNAUTHORIZED; trace abc)',
    ],
    [403, error('FORBIDDEN', 'No.'), 1, 'No. Use the token of an operator. (403 FORBIDDEN; trace abc)'],
    [403, error('CROSS_ORIGIN_REFUSED', 'No.'), 1, /^No\. Call the service by its address, or add this host name/],
    [404, error('SHIELD_NOT_FOUND', 'None.'), 1, /^None\. escudo status --url \S+ lists/],
    [409, error('SHIELD_AMBIGUOUS', 'Two.'), 1, 'Two. (409 SHIELD_AMBIGUOUS; trace abc)'],
    [
      422,
      error('VALIDATION_ERROR', 'Not valid.', { errors: [{ pointer: '/options/limit', message: 'expected 5' }] }),
      1,
      'Not valid. /options/limit: expected 5 (422 VALIDATION_ERROR; trace abc)',
    ],
    [500, error('INTERNAL_SERVER_ERROR', 'Bug.'), 1, 'Bug. (500 INTERNAL_SERVER_ERROR; trace abc)'],
    [503, error('SHUTTING_DOWN', 'Stopping.'), 3, 'Stopping. (503 SHUTTING_DOWN; trace abc)'],
    [503, undefined, 3, /answers 503: the service is not available\. Try again later$/],
    [404, undefined, 1, /answers 404\. Does the service at this address register adminRoutes\?$/],
    [404, { message: 'Not Found' }, 1, /register adminRoutes\?$/],
    [200, undefined, 1, /answers something else than the admin routes of escudo/],
    [204, 5, 1, /answers something else/],
    [401, { ...error('X', 'Y', { errors: [null, 5, {}] }), trace_id: {} }, 1, /^Y/],
  ])('%i %j: exit code %i, and what to do', async (status, body, code, message) => {
    const { url } = await serve(
      body === undefined ? (response) => response.writeHead(status).end('<html>') : json(status, body),
    )
    const ended = await run([...ISOLATE, url])
    expect([ended.code, ended.out]).toEqual([code, ''])
    expect(ended.err).toMatch(/^escudo: .+\n$/)
    expect(ended.err.slice('escudo: '.length, -1)).toMatch(message)
  })

  it('does not follow a redirection: the token is for this service only', async () => {
    const other = await serve(json(200, {}))
    const { url } = await serve(json(307, {}, { location: `${other.url}/admin/shields/inventory` }))
    const { code, err } = await run([...ISOLATE, url, '--token', 't0k3n'])
    expect(code).toBe(1)
    expect(err).toContain(`redirects to ${other.url}. Use that address: --url URL`)
    expect(other.received).toEqual([])
  })

  it.each([
    [
      301,
      'https://shop.example/admin/shields/inventory',
      'redirects to https://shop.example. Use that address: --url URL',
    ],
    [308, '/new/admin/shields/inventory?x=1#y', 'redirects to {url}/new. Use that address: --url URL'],
    [302, '//other.example/admin/shields/inventory/', 'redirects to https://other.example. Use'],
    [302, '/login', 'redirects to {url}/login. Does the service at this address register adminRoutes?'],
    [302, 'javascript:alert(1)', 'answers 302. Does'],
    [302, 'http://', 'answers 302. Does'],
    [302, undefined, 'answers 302. Does'],
    [304, undefined, 'answers 304. Does'],
  ])('%i to %s says which URL to use, if there is one', async (status, location, message) => {
    const { url } = await serve((response) =>
      response.writeHead(status, location === undefined ? {} : { location }).end(),
    )
    const { code, err } = await run([...ISOLATE, url])
    const expected = message.replace('{url}', url).replace('https://other', 'http://other')
    expect([code, err]).toEqual([1, expect.stringContaining(`${url} ${expected}`)])
  })

  it('is refused if the list has another form', async () => {
    const { url } = await serve(json(200, { shields: 5 }))
    expect(await run(['status', '--url', url])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Check the URL'),
    })
  })

  it.each([
    ['an empty object', {}],
    ['a list', []],
    ['an echo of the request', { action: 'isolate', reason: 'x' }],
    ['another outcome', { outcome: 'queued', before: null, after: null }],
  ])('is a refusal if success is %s: nothing says that the action was done', async (_, body) => {
    const { url } = await serve(json(200, body))
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await run([...ISOLATE, url, ...more])
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/answers something else than the admin routes of escudo\. Check the URL\n$/)
    }
  })

  it.each([
    ['an empty object', {}],
    ['a list', []],
    ['no policies', { name: 'inventory' }],
    ['no name', { policies: [] }],
  ])('is a refusal if a shield is %s', async (_, body) => {
    const { url } = await serve(json(200, body))
    for (const args of [['status'], ['watch'], ['status', '--json'], ['status', '--url', url]]) {
      const { code, out, err } = await run([...args, 'inventory', '--url', url])
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/answers something else than the admin routes of escudo\. Check the URL\n$/)
    }
  })

  it.each([
    [502, undefined],
    [504, undefined],
    [504, error('GATEWAY_TIMEOUT', 'Late.')],
  ])('of a proxy, %i, says that the action may have been done', async (status, body) => {
    const { url } = await serve(json(status, body))
    const { code, err } = await run([...ISOLATE, url])
    expect([code, err]).toEqual([3, expect.stringContaining('The action may have been done: see escudo status')])
    expect((await run(['status', '--url', url])).err).not.toContain('may have been done')
  })

  it('is not read beyond a bound', async () => {
    const { url } = await serve((response) => response.end(Buffer.alloc(17 * 1024 * 1024, 'x')))
    expect(await run(['status', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('more than') })
  })
})

describe('a service that does not answer', () => {
  it('exits with 3 if nothing listens there', async () => {
    const { code, err } = await run([...ISOLATE, 'http://127.0.0.1:9'])
    expect(code).toBe(3)
    expect(err).toMatch(
      /^escudo: no connection: \S.*\. Is the service running at http:\/\/127\.0\.0\.1:9\? .*--url URL\n$/,
    )
  })

  it('exits with 3 after the timeout, and says that the action may have been done', async () => {
    const { url } = await serve(() => {})
    const { code, err } = await run([...ISOLATE, url, '--timeout', '0.2'])
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/no answer within 0\.2 s\. The action may have been done: see/),
    ])
    const read = await run(['status', '--url', url, '--timeout', '0.2'])
    expect(read.err).not.toContain('may have been done')
  })

  it.each<[string, Answer]>([
    ['before the answer', (response) => response.destroy()],
    [
      'in the answer',
      (response) => response.writeHead(200, { 'content-length': '99' }).write('{', () => response.destroy()),
    ],
    ['in an answer of chunks', (response) => response.writeHead(200).write('{', () => response.destroy())],
    ['with something that is no HTTP', (response) => response.socket?.end('-ERR unknown command\r\n')],
  ])('exits with 3 if the connection ends %s, and says that the action may have been done', async (_, answer) => {
    const { url } = await serve(answer)
    const { code, err } = await run([...ISOLATE, url])
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(
        /^escudo: the connection ended: \S.*\. The action may have been done: see escudo status\. /,
      ),
    ])
    const read = await run(['status', '--url', url])
    expect([read.code, read.err]).toEqual([3, expect.not.stringContaining('may have been done')])
  })

  it.each(['http://127.0.0.1:9', 'http://no-such-host.invalid', 'http://127.0.0.1:1'])(
    'says nothing of the kind if %s was never reached',
    async (url) => {
      const { code, err } = await run([...ISOLATE, url])
      expect([code, err]).toEqual([3, expect.stringMatching(/^escudo: no connection: /)])
      expect(err).not.toContain('may have been done')
    },
  )
})

describe('a wrong command line', () => {
  it.each([
    [['isolate'], /^escudo: SHIELD is missing; see escudo isolate --help/],
    [['isolate', 'inventory'], /^escudo: --reason TEXT is missing; see/],
    [['isolate', ''], /^escudo: SHIELD is empty/],
    [['isolate', 'a', 'b', 'c', '--reason', 'x'], /unexpected argument "c"/],
    [['isolate', 'a', '--reason', ' '], /^escudo: --reason takes text of 1 to 200 characters/],
    [['isolate', 'a', '--reason', 'x'.repeat(201)], /--reason takes text/],
    [['isolate', '..', '--reason', 'x'], /a URL cannot contain the name ".."/],
    [['isolate', 'a', '.', '--reason', 'x'], /a URL cannot contain the name "."/],
    [['reconfigure', 'a', 'b', '--reason', 'x'], /^escudo: KEY=VALUE is missing/],
    [
      ['reconfigure', 'a', 'b', 'limit', '--reason', 'x'],
      /^escudo: expected KEY=VALUE, such as maxRetries=0, got "limit"/,
    ],
    [['reconfigure', 'a', 'b', '=5', '--reason', 'x'], /expected KEY=VALUE/],
    [['reconfigure', 'a', 'b', 'a..b=5', '--reason', 'x'], /expected KEY=VALUE/],
    [['reconfigure', 'a', 'b', '__proto__.x=5', '--reason', 'x'], /expected KEY=VALUE/],
    [['reconfigure', 'a', 'b', 'c=5', 'c=6', '--reason', 'x'], /"c=6" sets an option that another argument sets too/],
    [['reconfigure', 'a', 'b', 'c=1e999', '--reason', 'x'], /^escudo: "c=1e999" has a number that is too large/],
    [['reconfigure', 'a', 'b', 'c=-1e309', '--reason', 'x'], /too large/],
    [['reconfigure', 'a', 'b', 'c={"d":[1,1e400]}', '--reason', 'x'], /too large/],
    [['reconfigure', 'a', 'b', 'c=5', 'c.d=6', '--reason', 'x'], /another argument sets too/],
    [
      ['status', '--url', 'localhost:8000'],
      /^escudo: --url takes the URL of a service, such as http:\/\/localhost:8000/,
    ],
    [['status', '--url', 'http://'], /--url takes the URL/],
    [
      ['status', '--url', 'http://ana:pass@localhost'],
      /without a user and a password: put the token into ESCUDO_TOKEN/,
    ],
    [['status', '--url', 'http://localhost?x'], /without \? and #/],
    [['status', '--token', 'a b'], /^escudo: the token may have letters/],
    [['status', '--timeout', '0'], /--timeout takes a number from 0.1 to 600/],
    [['watch', '--interval', 'x'], /--interval takes a number/],
  ])('%j exits with 2', async (args, message) => {
    const { code, out, err } = await run(args)
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(message)])
    expect(err).not.toContain('a b')
  })

  it('names the variable that is wrong', async () => {
    vi.stubEnv('ESCUDO_URL', 'ftp://x')
    expect((await run(['status'])).err).toMatch(/^escudo: ESCUDO_URL takes the URL of a service/)
  })

  it.each(['status', 'watch', 'isolate', 'trip', 'reset', 'disable', 'enable', 'reconfigure'])(
    '%s --help names its operands, options and exit codes',
    async (name) => {
      const { code, out } = await run([name, '--help'])
      expect(code).toBe(0)
      for (const part of ['SHIELD', '--url URL', '--token TOKEN', '--json', 'ESCUDO_TOKEN', '3 service unreachable']) {
        expect(out).toContain(part)
      }
    },
  )
})
