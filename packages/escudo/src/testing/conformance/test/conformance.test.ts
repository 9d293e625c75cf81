import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { header, parseAnswers } from '../answer.ts'
import { conformanceChecks } from '../conformance.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('parseAnswers', () => {
  it('reads answers one after the other: by length, by chunks, without a body', () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\r\nX: b\r\n\r\n€' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n' +
      'HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n'
    const answers = parseAnswers(bytes(text), ['GET', 'GET', 'HEAD'])
    expect(answers.map(({ status, body, isComplete }) => [status, body, isComplete])).toEqual([
      [200, '€', true],
      [200, 'abc', true],
      [404, '', true],
    ])
    expect(answers.map((answer) => header(answer, 'x'))).toEqual(['a, b', undefined, undefined])
  })

  it.each([
    ['Content-Length: 5\r\n\r\nab', 'ab'],
    ['Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n', 'ab'],
    ['Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n', 'ab'],
    ['Transfer-Encoding: chunked\r\n\r\n', ''],
    ['X: y\r\n\r\nab', 'ab'],
  ])('notices that a body is not complete: %j', (rest, body) => {
    expect(parseAnswers(bytes(`HTTP/1.1 200 OK\r\n${rest}`), ['GET'])).toMatchObject([{ body, isComplete: false }])
  })

  it.each(['rubbish', 'HTTP/1.1 200 OK\r\n', 'HTTP/2 200\r\n\r\n'])('rejects %j', (text) => {
    expect(() => parseAnswers(bytes(text), ['GET'])).toThrow('expected')
  })
})

describe('conformanceChecks', () => {
  let server: Server | undefined
  afterEach(() => server?.closeAllConnections())
  afterEach(() => server?.close())

  async function failuresOf(
    listener: RequestListener,
    routes = { get: '/health' },
  ): Promise<ReadonlyMap<string, string>> {
    server = createServer(listener).listen(0, '127.0.0.1')
    await new Promise((resolve) => server?.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const failures = new Map<string, string>()
    for (const { name, run } of conformanceChecks({ url, routes })) {
      await run().catch((error: Error) => failures.set(name, error.message))
    }
    return failures
  }

  it('reports what a server without the contract does wrong', async () => {
    const failures = await failuresOf((request, response) => {
      response.statusCode = request.url === '/health' ? 200 : 404
      response.end('text')
    })
    expect(failures.get('hostile: an unknown route')).toMatch(/^content-type: expected JSON/)
    expect(failures.get('hostile: the method DELETE on a path that has others')).toBe('status: expected 405, got 200')
    expect(failures.get('hostile: NUL in a header')).toMatch(/^content-type/)
    expect(failures.get('a valid traceparent is continued')).toBe(
      `x-trace-id: expected "${'a'.repeat(32)}", got nothing`,
    )
  })

  it('reports a server that dies: the alive check of each later one fails', async () => {
    const failures = await failuresOf((_request, response) => response.destroy())
    expect(failures.get('hostile: an unknown route')).toBe('answers: expected 1, got 0')
  })

  it('omits checks without a route, and those of `skip`', () => {
    const names = (options: object): readonly string[] =>
      conformanceChecks({ url: 'http://localhost', ...options }).map(({ name }) => name)
    expect(names({ routes: {} })).not.toContain('hostile: no Host')
    expect(names({ routes: { get: '/' } })).toContain('hostile: no Host')
    expect(names({ routes: { get: '/' }, skip: ['hostile: no Host'] })).not.toContain('hostile: no Host')
    expect(new Set(names({})).size).toBe(names({}).length)
  })

  it.each([
    [{ url: 'https://shop' }, 'conformanceChecks.url'],
    [{ url: '' }, 'conformanceChecks.url'],
    [{ url: 'http://shop', skip: ['no such check'] }, 'conformanceChecks.skip'],
    [{ url: 'http://shop', route: {} }, 'conformanceChecks.route'],
    [{ url: 'http://shop', routes: { gett: '/' } }, 'conformanceChecks.routes.gett'],
  ])('rejects %o', (options, path) => {
    expect(() => conformanceChecks(options as never)).toThrow(path)
  })
})
