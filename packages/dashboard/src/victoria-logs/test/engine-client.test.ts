import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { EngineClient } from '../engine-client.ts'
import { EngineError } from '../engine-error.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** Starts a server that answers as the test says, and returns its URL. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response))
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const client = (url: string, headers = {}): EngineClient => new EngineClient({ url, headers })

async function failure(url: string, timeoutMs?: number): Promise<EngineError> {
  const error = await client(url, { Authorization: 'Bearer hidden' })
    .rows('*', timeoutMs === undefined ? {} : { timeoutMs })
    .catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(EngineError)
  expect((error as Error).message).not.toContain('hidden')
  return error as EngineError
}

const storageError = (node: string): string =>
  `cannot execute query [*]: cannot connect to storage node at "http://${node}/internal/select/query": connection refused`

describe('an engine that gives no answer', () => {
  it('cannot be reached: the message names its address and why', async () => {
    const url = await serve(() => {})
    const [server] = servers.splice(0)
    await new Promise((resolve) => server?.close(resolve))
    const error = await failure(url)
    expect(error).toMatchObject({ trouble: 'unreachable', message: `${url} cannot be reached (ECONNREFUSED)` })
  })

  it('answers too late', async () => {
    const url = await serve(() => {})
    expect(await failure(url, 50)).toMatchObject({ trouble: 'unreachable', message: `${url} did not answer in time` })
  })

  it.each([
    [401, '', 'refused', /refuses the credentials \(401\)/],
    [403, '', 'refused', /refuses the credentials \(403\)/],
    [404, 'no such page', 'not-victorialogs', /is not VictoriaLogs/],
    [400, 'cannot parse query: unknown pipe "math"', 'old', /VictoriaLogs 1\.52 does: .*unknown pipe "math"/],
    [429, "couldn't start executing", 'busy', /is busy \(429\)/],
    [500, 'out\nof memory', 'failed', /answered 500: out of memory/],
    [502, 'no gateway', 'failed', /answered 502: no gateway/],
  ])('answers %i', async (status, body, trouble, message) => {
    const url = await serve((_, response) => response.writeHead(status).end(body))
    const error = await failure(url)
    expect(error.trouble).toBe(trouble)
    expect(error.message).toMatch(message)
  })

  it('ends in the middle of an answer, by closing or with an error among the rows', async () => {
    const closing = await serve((_, response) => {
      response.writeHead(200).write('{"a":"1"}\n{"a"')
      setImmediate(() => response.destroy())
    })
    expect((await failure(closing)).trouble).toBe('unreachable')
    const failing = await serve((_, response) => response.end('{"a":"1"}\ncannot read the next block\n'))
    expect(await failure(failing)).toMatchObject({
      trouble: 'failed',
      message: expect.stringContaining('in the middle'),
    })
  })

  it('sends credentials nowhere else: a redirect is not followed', async () => {
    const asked: (string | undefined)[] = []
    const other = await serve((request, response) => {
      asked.push(request.headers.authorization)
      response.end()
    })
    const url = await serve((_, response) => response.writeHead(307, { location: `${other}/` }).end())
    await failure(url)
    expect(asked).toEqual([])
  })
})

describe('an answer that is no answer of VictoriaLogs', () => {
  it.each([
    ['a page', '<html>\nhello</html>', 'not-victorialogs', /does not answer with rows: <html>$/],
    [
      'an error without rows',
      'cannot execute \u001b[31mquery\u0000 [*]',
      'not-victorialogs',
      /rows: cannot execute \[31mquery \[\*\]$/,
    ],
    ['null', 'null\n', 'not-victorialogs', /rows: null$/],
    ['a list', '[{"a":"1"}]', 'not-victorialogs', /rows: \[/],
    ['a number', '{"a":1}\n', 'not-victorialogs', /rows: \{"a":1\}$/],
    ['an object in a row', '{"a":"1"}\n{"_time":{}}\n', 'not-victorialogs', /does not answer with rows/],
    ['a wrong time', '{"_time":"yesterday"}', 'failed', /without a valid time/],
    ['half a row', '{"a":', 'failed', /in the middle of an answer/],
  ])('is said to be none: %s', async (_, body, trouble, message) => {
    const error = await failure(await serve((_request, response) => response.end(body)))
    expect(error.trouble).toBe(trouble)
    expect(error.message).toMatch(message)
  })

  it.each([
    ['a row without an end', 200, '{"a":"'],
    ['rows without an end', 200, `${'{"a":"1"}\n'.repeat(8)}{"a":"`],
    ['a refusal without an end', 500, ''],
  ])('is not read without end: %s', async (_, status, beginning) => {
    const url = await serve((_request, response) => {
      response.writeHead(status).write(beginning)
      const block = 'x'.repeat(1_048_576)
      const more = (): void => {
        while (!response.destroyed && response.write(block));
      }
      response.on('drain', more)
      more()
    })
    const error = await failure(url, 20_000)
    expect(error.message).toMatch(status === 200 ? /sent more than this page can take/ : /answered 500: x+$/)
    expect(error.message.length).toBeLessThan(500)
  })

  it('is shown without the credentials that it repeats, and without what controls a terminal', async () => {
    for (const status of [200, 400, 500, 503]) {
      const url = await serve((request, response) =>
        response.writeHead(status).end(`no \u001b]0;owned\u0007 ${request.headers.authorization}`),
      )
      expect((await failure(url)).message).toMatch(/no \]0;owned …$/)
    }
  })

  it('has no version: a page, a list or an object instead of one', async () => {
    for (const body of [
      '<html></html>',
      'null',
      '[]',
      '{"data":{"version":{}}}',
      '{"data":{"version":"\\u001b[2J"}}',
    ]) {
      const url = await serve((_, response) => response.end(body))
      expect(await client(url).version()).toBeUndefined()
    }
  })

  it('is a redirect, and the message says so', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/elsewhere' }).end())
    expect((await failure(url)).message).toMatch(/redirect/)
  })
})

describe('an engine that answers', () => {
  it('gets the headers and returns rows, also without a last line end', async () => {
    const url = await serve((request, response) => response.end(`{"a":"${request.headers['accountid']}"}\n{"b":"ü"}`))
    expect(await client(`${url}/`, { AccountID: '7' }).rows('*')).toEqual([{ a: '7' }, { b: 'ü' }])
    expect(client(`${url}/`).shown).toBe(url)
  })

  it('is asked four questions at the same time, however many wait, and not those that were cancelled', async () => {
    let running = 0
    let most = 0
    let asked = 0
    const url = await serve((_, response) => {
      asked += 1
      running += 1
      most = Math.max(most, running)
      setTimeout(() => {
        running -= 1
        response.end('{"a":"1"}')
      }, 10)
    })
    const engine = client(url)
    const cancelled = new AbortController()
    const questions = Array.from({ length: 20 }, () => engine.rows('*'))
    const last = engine.rows('*', { signal: cancelled.signal })
    cancelled.abort(new Error('gone'))
    await expect(last).rejects.toThrow('gone')
    expect((await Promise.all(questions)).length).toBe(20)
    expect([asked, most]).toEqual([20, 4])
  })

  it('says its version, or nothing where a proxy hides it', async () => {
    const url = await serve((_, response) => response.end('{"status":"success","data":{"version":"v1.52.1"}}'))
    expect(await client(url).version()).toBe('v1.52.1')
    const hidden = await serve((_, response) => response.writeHead(404).end())
    expect(await client(hidden).version()).toBeUndefined()
  })
})

describe('a cluster whose storage node does not answer', () => {
  it('is asked again for what the others have, and names the node until it is back', async () => {
    let isMissing = true
    const asked: string[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk
      })
      request.on('end', () => {
        const partial = new URLSearchParams(body).get('allow_partial_response') ?? ''
        asked.push(partial)
        if (isMissing && partial === '0') response.writeHead(502).end(storageError('b:9428'))
        else response.end(`{"partial":"${partial}"}`)
      })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const engine = client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    // Two at the same time: the second must not fail because the first knows already.
    expect(await Promise.all([engine.rows('a'), engine.rows('b')])).toEqual([[{ partial: '1' }], [{ partial: '1' }]])
    expect(engine.missing).toEqual(['b:9428'])
    isMissing = false
    await expect.poll(async () => (await engine.rows('a'))[0], { timeout: 5_000 }).toEqual({ partial: '0' })
    expect(engine.missing).toEqual([])
  })

  it('cannot be read without any storage node', async () => {
    const message = `all the vlstorage nodes are unavailable for querying; a sample error: ${storageError('a:1')}`
    const url = await serve((_, response) => response.writeHead(502).end(message))
    expect(await failure(url)).toMatchObject({ trouble: 'unreachable', nodes: ['a:1'] })
  })
})
