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

async function ask(method: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(`${url}/__faults`, { method, ...init })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
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

describe('the switch', () => {
  test('sets, shows, replaces and takes away a fault', async () => {
    expect(await ask('GET')).toEqual({ status: 200, body: {} })
    expect(broken.active).toBe(false)
    expect(await ask('PUT', { status: 503 })).toEqual({ status: 200, body: { status: 503, rate: 1 } })
    expect(broken.active).toBe(true)
    expect(await outcome()).toBe('503')
    await ask('PUT', { error: 'reset' })
    expect(await ask('GET')).toEqual({ status: 200, body: { error: 'reset', rate: 1 } })
    expect(await outcome()).toBe('ECONNRESET')
    expect(await ask('DELETE')).toEqual({ status: 204, body: undefined })
    expect(await outcome()).toBe('200')
    expect(broken.active).toBe(false)
    expect(await ask('GET')).toEqual({ status: 200, body: {} })
  })

  test('does what each word says', async () => {
    await ask('PUT', { body: 'corrupt' })
    expect(await outcome()).toMatch(/^200 SyntaxError/)
    await ask('PUT', { body: 'truncated' })
    expect(await outcome()).toBe('200 TypeError: terminated')
    await ask('PUT', { latency_ms: 50, status: 500 })
    const started = performance.now()
    expect(await outcome()).toBe('500')
    expect(performance.now() - started).toBeGreaterThan(45)
  })

  test('with rate 0 means no fault at all, and yet is set', async () => {
    expect(await ask('PUT', { rate: 0 })).toEqual({ status: 200, body: { rate: 0 } })
    expect(broken.active).toBe(true)
    expect(await outcome()).toBe('200')
    await ask('PUT', { status: 503, rate: 0 })
    expect(await outcome()).toBe('200')
  })

  test('hits the share of requests that it is told, the same ones with the same seed', async () => {
    const run = async () => {
      await ask('PUT', { status: 503, rate: 0.5 })
      let marks = ''
      for (let call = 0; call < 40; call += 1) marks += (await outcome()) === '503' ? 'X' : '.'
      return marks
    }
    const first = await run()
    expect(first).toMatch(/X/)
    expect(first).toMatch(/\./)
    expect(await run()).toBe(first)
  })

  test('takes away what is under way: a stalled body ends', async () => {
    await ask('PUT', { body: 'stall' })
    const stalled = outcome()
    await new Promise((resume) => setTimeout(resume, 50))
    await ask('DELETE')
    expect(await stalled).toBe('200 TypeError: terminated')
  })

  test('never hits itself nor the readiness check', async () => {
    await ask('PUT', { error: 'reset' })
    expect((await fetch(`${url}/healthz?deep=1`)).status).toBe(200)
    expect((await fetch(`${url}/__faults/?x=1`)).status).toBe(200)
    expect(await outcome()).toBe('ECONNRESET')
  })

  test('tells of each fault', async () => {
    const paths: unknown[] = []
    broken.on(({ target }) => paths.push(target.path))
    await ask('PUT', { status: 500 })
    await outcome()
    expect(paths).toEqual(['/stock'])
  })
})

describe('what cannot work is answered 400, and changes nothing', () => {
  test.each([
    ['', /JSON/],
    ['{', /JSON/],
    ['[]', /object/],
    ['null', /object/],
    ['"x"', /object/],
    ['{}', /nothing that goes wrong/],
    ['{"rate":1}', /nothing that goes wrong/],
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
    [JSON.stringify({ status: 500, x: 'y'.repeat(20_000) }), /at most 16384 bytes/],
  ])('%.40s', async (body, problem) => {
    await ask('PUT', { status: 418 })
    const refused = await ask('PUT', body)
    expect(refused.status).toBe(400)
    expect((refused.body as { error: string }).error).toMatch(problem)
    expect((await ask('GET')).body).toEqual({ status: 418, rate: 1 })
  })

  test('a wrong method is answered 405', async () => {
    const response = await fetch(`${url}/__faults`, { method: 'POST', body: '{"status":500}' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE'])
    expect(broken.active).toBe(false)
  })
})

describe('the switch is for its own machine', () => {
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

  test.each(['localhost', '127.0.0.1:9002', '[::1]:80'])('under its own names: %s', async (host) => {
    expect(await put('127.0.0.1', { host })).toBe(200)
  })

  test.each([
    [{ host: 'evil.example' }],
    [{ host: '127.0.0.1.evil.example' }],
    [{ host: 'localhost', 'x-forwarded-for': '127.0.0.1' }],
    [{ host: 'localhost', forwarded: 'for=10.0.0.1' }],
  ])('and for nobody who comes from elsewhere: %j', async (headers) => {
    expect(await put('127.0.0.1', headers)).toBe(403)
    expect(broken.active).toBe(false)
  })

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address

  test.skipIf(outside === undefined)('and for no peer with another address than loopback', async () => {
    expect(await put(outside as string, { host: 'localhost' })).toBe(403)
    expect(broken.active).toBe(false)
  })
})

test.each([
  [{ path: 'faults' }, 'faultSwitch.path'],
  [{ spare: ['/a?b'] }, 'faultSwitch.spare[0]'],
  [{ port: 1 }, 'faultSwitch.port'],
  [{ seed: 'x' }, 'faults.seed'],
])('a wrong option is refused: %j', (options, path) => {
  expect(() => faultSwitch(options as never)).toThrow(ConfigurationError)
  expect(() => faultSwitch(options as never)).toThrow(expect.objectContaining({ path }))
})
