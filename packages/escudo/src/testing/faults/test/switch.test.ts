import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type FaultSwitch, faultSwitch } from '../switch.ts'

let server: Server
let url: string
let broken: FaultSwitch

beforeEach(async () => {
  broken = faultSwitch({ seed: 7 })
  server = createServer((request, response) => {
    broken.middleware(request, response, () => response.end('{"stock":42}'))
  })
  await new Promise<void>((ready) => server.listen(0, ready))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function send(method: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(`${url}/__faults`, { method, ...init })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function expectRejected(body: string, problem: RegExp): Promise<void> {
  await send('PUT', { status: 418 })
  const rejected = await send('PUT', body)
  expect(rejected.status).toBe(400)
  expect((rejected.body as { error: string }).error).toMatch(problem)
  expect((await send('GET')).body).toEqual({ status: 418, rate: 1 })
}

const outcome = () =>
  fetch(`${url}/stock`).then(
    async (response) =>
      response.json().then(
        () => String(response.status),
        (error: Error) => `${response.status} ${error.name}: ${error.message.slice(0, 10)}`,
      ),
    (error: Error & { cause: { code: string } }) => error.cause.code,
  )

describe('faultSwitch', () => {
  test('sets, shows, replaces and removes a fault', async () => {
    expect(await send('GET')).toEqual({ status: 200, body: {} })
    expect(broken.active).toBe(false)
    expect(await send('PUT', { status: 503 })).toEqual({ status: 200, body: { status: 503, rate: 1 } })
    expect(broken.active).toBe(true)
    expect(await outcome()).toBe('503')
    await send('PUT', { error: 'reset' })
    expect(await send('GET')).toEqual({ status: 200, body: { error: 'reset', rate: 1 } })
    expect(await outcome()).toBe('ECONNRESET')
    expect(await send('DELETE')).toEqual({ status: 204, body: undefined })
    expect(await outcome()).toBe('200')
    expect(broken.active).toBe(false)
    expect(await send('GET')).toEqual({ status: 200, body: {} })
  })

  test('corrupts a body, truncates a body and delays a status', async () => {
    await send('PUT', { body: 'corrupt' })
    expect(await outcome()).toMatch(/^200 SyntaxError/)
    await send('PUT', { body: 'truncated' })
    expect(await outcome()).toBe('200 TypeError: terminated')
    await send('PUT', { latency_ms: 50, status: 500 })
    const started = performance.now()
    expect(await outcome()).toBe('500')
    expect(performance.now() - started).toBeGreaterThan(45)
  })

  test('injects nothing with rate 0, but is active', async () => {
    expect(await send('PUT', { rate: 0 })).toEqual({ status: 200, body: { rate: 0 } })
    expect(broken.active).toBe(true)
    expect(await outcome()).toBe('200')
    await send('PUT', { status: 503, rate: 0 })
    expect(await outcome()).toBe('200')
  })

  test('hits the given share of requests, and the same ones with the same seed', async () => {
    const run = async () => {
      await send('PUT', { status: 503, rate: 0.5 })
      let marks = ''
      for (let call = 0; call < 40; call += 1) marks += (await outcome()) === '503' ? 'X' : '.'
      return marks
    }
    const first = await run()
    expect(first).toMatch(/X/)
    expect(first).toMatch(/\./)
    expect(await run()).toBe(first)
  })

  test('ends a stalled body when the fault is removed', async () => {
    await send('PUT', { body: 'stall' })
    const stalled = outcome()
    await new Promise((resume) => setTimeout(resume, 50))
    await send('DELETE')
    expect(await stalled).toBe('200 TypeError: terminated')
  })

  test('never hits itself or the readiness check', async () => {
    await send('PUT', { error: 'reset' })
    expect((await fetch(`${url}/healthz?deep=1`)).status).toBe(200)
    expect((await fetch(`${url}/__faults/?x=1`)).status).toBe(200)
    expect(await outcome()).toBe('ECONNRESET')
  })

  test('notifies listeners of each fault', async () => {
    const paths: unknown[] = []
    broken.on(({ target }) => paths.push(target.path))
    await send('PUT', { status: 500 })
    await outcome()
    expect(paths).toEqual(['/stock'])
  })
})

describe('an invalid fault', () => {
  test.each([
    ['', /JSON/],
    ['{', /JSON/],
    ['[]', /object/],
    ['null', /object/],
    ['"x"', /object/],
    ['{}', /at least one effect/],
    ['{"rate":1}', /at least one effect/],
    ['{"status":503,"rate":1.5}', /^rate: /],
    ['{"status":503,"rate":"1"}', /^rate: /],
    ['{"status":"503"}', /^status: /],
    ['{"status":99}', /^status: /],
    ['{"status":null}', /^status: /],
    ['{"latency_ms":-5}', /^latency_ms: /],
    ['{"latency_ms":1e400}', /^latency_ms: /],
    ['{"latencyMs":5}', /^latencyMs: no such key/],
    ['{"error":"refused"}', /^error: expected one of 'reset'/],
    ['{"body":"gone"}', /^body: expected one of 'truncated'/],
    ['{"__proto__":{"status":500}}', /^__proto__: no such key/],
    ['{"constructor":1}', /^constructor: no such key/],
  ])('gets a 400 and changes nothing: %s', async (body, problem) => {
    await expectRejected(body, problem)
  })

  test('gets a 400 and changes nothing if its body is above 16,384 bytes', async () => {
    await expectRejected(JSON.stringify({ status: 500, x: 'y'.repeat(20_000) }), /at most 16384 bytes/)
  })

  test('a request with a wrong method gets a 405', async () => {
    const response = await fetch(`${url}/__faults`, { method: 'POST', body: '{"status":500}' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE'])
    expect(broken.active).toBe(false)
  })
})

describe('access from other machines', () => {
  const put = (host: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      const sent = httpRequest({ host, port, path: '/__faults', method: 'PUT', headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      sent.end('{"status":500}')
    })

  test.each(['localhost', '127.0.0.1:9002', '[::1]:80'])('accepts a request for the host %s', async (host) => {
    expect(await put('127.0.0.1', { host })).toBe(200)
  })

  test.each([
    [{ host: 'evil.example' }],
    [{ host: '127.0.0.1.evil.example' }],
    [{ host: 'localhost', 'x-forwarded-for': '127.0.0.1' }],
    [{ host: 'localhost', forwarded: 'for=10.0.0.1' }],
  ])('rejects a request with the headers %j', async (headers) => {
    expect(await put('127.0.0.1', headers)).toBe(403)
    expect(broken.active).toBe(false)
  })

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')?.address

  test.skipIf(outside === undefined)('rejects a peer whose address is not loopback', async () => {
    expect(await put(outside as string, { host: 'localhost' })).toBe(403)
    expect(broken.active).toBe(false)
  })
})

test.each([
  [{ path: 'faults' }, 'faultSwitch.path'],
  [{ spare: ['/a?b'] }, 'faultSwitch.spare[0]'],
  [{ port: 1 }, 'faultSwitch.port'],
  [{ seed: 'x' }, 'faults.seed'],
])('rejects the invalid option %j', (options, path) => {
  expect(() => faultSwitch(options as never)).toThrow(ConfigurationError)
  expect(() => faultSwitch(options as never)).toThrow(expect.objectContaining({ path }))
})
