import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { json, run, serve } from './setup.ts'

afterEach(() => vi.unstubAllEnvs())

const SIZE = { columns: () => 80, rows: () => 24 }

const DONE = {
  outcome: 'done',
  before: { state: 'closed', failures: 3, calls: 9 },
  after: { state: 'isolated', failures: 0, calls: 0 },
}

const LIST = {
  service: 'potion-shop',
  shields: [
    {
      name: 'inventory',
      policies: [
        { name: 'totalTimeout', type: 'timeout', timeouts: 1234 },
        {
          name: 'circuitBreaker',
          type: 'circuitBreaker',
          state: 'open',
          failures: 10,
          calls: 12,
          reason: 'failure rate of 50 %',
          lastFailure: { name: 'UpstreamError', code: 'UPSTREAM_TIMEOUT' },
          openedAt: 123_456.789,
          retryAfterMs: 7_900.5,
        },
      ],
    },
    { name: 'x'.repeat(100), disabled: true, policies: [{ name: 'y'.repeat(90), type: 'bulkhead', limit: 5 }] },
    { name: 'odd', policies: [], error: 'its status could not be read: TypeError' },
  ],
}

describe('the commands that move levers', () => {
  it.each(['isolate', 'trip', 'reset', 'disable', 'enable'])(
    '%s sends its action, the reason and the token',
    async (action) => {
      const { url, received } = await serve(json(200, DONE))
      const args = [action, 'a/b?', 'circuit breaker', '--reason', 'why', '--url', `${url}/`, '--token', 't0k3n']
      const ended = await run(args)
      const shown = 'a/b? circuit breaker: state closed -> isolated\n'
      expect(ended).toMatchObject({ code: 0, err: '', out: expect.stringContaining(shown) })
      expect(received).toMatchObject([
        {
          method: 'POST',
          path: '/admin/shields/a%2Fb%3F/circuit%20breaker',
          headers: { authorization: 'Bearer t0k3n', 'content-type': 'application/json', 'accept-language': 'en' },
          body: { action, reason: 'why' },
        },
      ])
    },
  )

  it('acts on the whole shield without a policy, and says that nothing has changed', async () => {
    const after = { disabled: true }
    const { url, received } = await serve(json(200, { outcome: 'unchanged', before: after, after }))
    const { code, out } = await run(['disable', 'inventory', '--reason=x', '--url', url])
    expect([code, out]).toEqual([0, 'inventory: unchanged; disabled true\n'])
    expect(received[0]?.path).toBe('/admin/shields/inventory')
    expect(received[0]?.headers.authorization).toBeUndefined()
  })

  it('reconfigures with values as JSON or text, and shows what has changed', async () => {
    const effect = { before: { maxRetries: 1, maxTotal: null }, after: { maxRetries: 0, maxTotal: '5s' } }
    const { url, received } = await serve(json(200, { outcome: 'done', ...effect }))
    const settings = ['maxRetries=0', 'maxTotal=5s', 'a.b.c=[1,2]', 'a.d=null', 'e="5"', 'f=', 'g=x=y']
    const { code, out } = await run(['reconfigure', 'inventory', 'retry', ...settings, '--reason', 'x', '--url', url])
    expect([code, out]).toEqual([0, 'inventory retry: maxRetries 1 -> 0\ninventory retry: maxTotal default -> 5s\n'])
    const options = { maxRetries: 0, maxTotal: '5s', a: { b: { c: [1, 2] }, d: null }, e: '5', f: '', g: 'x=y' }
    expect(received[0]?.body).toEqual({ action: 'reconfigure', reason: 'x', options })
  })

  it('property: sends every value that is JSON as it is', async () => {
    const { url, received } = await serve(json(200, DONE))
    const key = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,8}$/)
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, fc.jsonValue(), { minKeys: 1, maxKeys: 4 }), async (options) => {
        const settings = Object.entries(options).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        expect((await run(['reconfigure', 'a', 'b', '--reason', 'x', '--url', url, '--', ...settings])).code).toBe(0)
        expect(received.at(-1)?.body).toMatchObject({ options: JSON.parse(JSON.stringify(options)) })
      }),
      { numRuns: 100 },
    )
  })

  it('prints the answer of the service with --json', async () => {
    const { url } = await serve(json(200, DONE))
    const { out } = await run(['isolate', 'inventory', '--reason', 'x', '--url', url, '--json'])
    expect(JSON.parse(out)).toEqual(DONE)
  })

  it('reads the address and the token from the environment; an option comes first', async () => {
    const { url, received } = await serve(json(200, LIST))
    vi.stubEnv('ESCUDO_URL', url)
    vi.stubEnv('ESCUDO_TOKEN', 'from-env')
    expect((await run(['status'])).code).toBe(0)
    expect((await run(['status', '--token', 'from-option'])).code).toBe(0)
    const tokens = received.map(({ headers }) => headers.authorization)
    expect(tokens).toEqual(['Bearer from-env', 'Bearer from-option'])
  })
})

describe('escudo status', () => {
  it('shows tables of at most 80 columns, without colours where there is no terminal', async () => {
    const { url } = await serve(json(200, LIST))
    const { code, out } = await run(['status', '--url', url])
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      `potion-shop at ${url}`,
      '',
      'inventory',
      '  totalTimeout                         type timeout, timeouts 1234',
      '  circuitBreaker            open       failures 10, calls 12, reason failure ra…',
      `${'x'.repeat(100)}  disabled: its policies do not act`,
      `  ${'y'.repeat(90)}`,
      'odd  its status could not be read: TypeError',
      '',
    ])
  })

  it('uses the width and the colours of a terminal', async () => {
    const { url } = await serve(json(200, LIST))
    const wide = (await run(['status', '--url', url], { ...SIZE, columns: () => 200, hasColor: true })).out
    expect(wide).toContain('\u001b[31mopen\u001b[0m       failures 10')
    expect(wide).toContain('lastFailure UPSTREAM_TIMEOUT, next probe in 8 s')
    expect((await run(['status', '--url', url], { ...SIZE, columns: () => 200, hasColor: false })).out).not.toContain(
      '\u001b',
    )
    const narrow = (await run(['status', '--url', url], { ...SIZE, columns: () => 45, hasColor: false })).out
    expect(narrow).toContain('\n  circuitBreaker            open       failu…\n')
  })

  it('shows one shield', async () => {
    const { url, received } = await serve(json(200, LIST.shields[0]))
    const { out } = await run(['status', 'inventory', '--url', url])
    expect(out.split('\n', 1)).toEqual(['inventory'])
    expect(received[0]?.path).toBe('/admin/shields/inventory')
  })

  it('lets no name or text of the service write to the terminal', async () => {
    const evil = 'a\u001b[2J\u001b]0;x\u0007\u009b31m\r\nb\u202e'
    const policies = [{ name: evil, type: evil, state: evil, note: evil, [evil]: 5 }]
    const { url } = await serve(json(200, { service: evil, shields: [{ name: evil, policies, error: evil }] }))
    const { out } = await run(['status', '--url', url], { ...SIZE, columns: () => 200, hasColor: false })
    expect(out).toMatch(/^[\x20-\x7e…\n]+$/)
    const failing = await serve(json(409, { error_code: evil, message: evil, trace_id: evil }))
    const { err } = await run(['status', '--url', failing.url])
    expect(err).toMatch(/^[\x20-\x7e…]+\n$/)
    const acting = await serve(json(200, { outcome: 'done', before: null, after: { [evil]: evil } }))
    const { out: done } = await run(['isolate', evil, '--reason', 'x', '--url', acting.url])
    expect(done).toMatch(/^[\x20-\x7e…]+\n$/)
  })
})
