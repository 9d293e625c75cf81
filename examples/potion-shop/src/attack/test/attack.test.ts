import { spawn } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { attack } from '../attack.ts'
import { callOnce, lineOf } from '../call.ts'
import { attackSettings, targetOf } from '../settings.ts'
import { quantile, summaryOf } from '../summary.ts'

const servers: Server[] = []
const never = new AbortController().signal

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/call-external`
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

const answering =
  (status: number, body: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(body)

test('formats a call as one line with number, status and body', async () => {
  const url = await serving(answering(503, '{ "error_code": "CIRCUIT_OPEN" }'))
  expect(lineOf(1, await callOnce(url, never))).toBe('01 --> 503 | {"error_code":"CIRCUIT_OPEN"}')
})

test('formats a refused connection as an error line', async () => {
  const url = await serving(answering(200, '{}'))
  servers[0]?.close()
  expect(lineOf(7, await callOnce(url, never))).toMatch(/^07 --> ERROR: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
})

test('times out when the server does not answer', async () => {
  const url = await serving(() => {})
  expect(lineOf(2, await callOnce(url, never, 50))).toBe('02 --> ERROR: no answer within 50 ms')
})

test('times out when the body stalls', async () => {
  const url = await serving((_request, response) => void response.writeHead(200).write('{"half":'))
  expect(await callOnce(url, never, 80)).toMatchObject({ kind: 'error', message: 'no answer within 80 ms' })
})

test('truncates an endless body, and the next call still works', async () => {
  const url = await serving((_request, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', write)
    write()
  })
  for (let i = 0; i < 2; i += 1) {
    const line = lineOf(1, await callOnce(url, never, 2_000))
    expect(line).toMatch(/^01 --> 200 \| x+…$/)
    expect(line.length).toBeLessThan(1_100)
  }
})

test('escapes control characters of a hostile body', async () => {
  const url = await serving(answering(200, 'a\u001b[2J\r\n02 --> 200 | forged\u2028\u202e'))
  expect(lineOf(1, await callOnce(url, never))).toBe(
    '01 --> 200 | a\\u001b[2J\\u000d\\u000a02 --> 200 | forged\\u2028\\u202e',
  )
})

test('reports a redirect without following it', async () => {
  let calls = 0
  const url = await serving((_request, response) => {
    calls += 1
    response.writeHead(302, { location: 'http://192.0.2.1/' }).end()
  })
  expect(await callOnce(url, never)).toMatchObject({ kind: 'answer', status: 302 })
  expect(calls).toBe(1)
})

test('starts calls one interval apart without overlap', async () => {
  const begun: number[] = []
  let open = 0
  let openMax = 0
  const url = await serving((_request, response) => {
    begun.push(performance.now())
    openMax = Math.max(openMax, ++open)
    setTimeout(
      () => {
        open -= 1
        response.end('{}')
      },
      begun.length === 2 ? 250 : 0,
    )
  })
  const started = performance.now()
  const results = await attack({ url, calls: 4, intervalMs: 150, signal: never, print: () => {} })
  const elapsedMs = performance.now() - started
  expect(results).toHaveLength(4)
  expect(openMax).toBe(1)
  const gaps = begun.slice(1).map((ms, index) => ms - (begun[index] ?? 0))
  // The second call took longer than the interval, so the third starts right after it.
  expect(gaps[1]).toBeGreaterThan(240)
  expect(gaps[1]).toBeLessThan(390)
  // Two pauses fill the interval, the slow call uses up one, and there is no pause after the last call.
  expect(elapsedMs).toBeGreaterThan(150 + 250 + 150 - 5)
})

test.each([0, 60_000])('returns the results so far when it is stopped (interval %d)', async (intervalMs) => {
  const url = await serving(answering(200, '{}'))
  const stop = new AbortController()
  const lines: string[] = []
  const print = (line: string): void => {
    if (lines.push(line) === 2 || intervalMs > 0) setImmediate(() => stop.abort())
  }
  const results = await attack({ url, calls: 100_000, intervalMs, signal: stop.signal, print })
  expect(results.length).toBe(lines.length)
  expect(results.length).toBeLessThan(1_000)
})

test('summarises each status with min, mean, p95 and max', () => {
  const answers = Array.from({ length: 20 }, (_, i) => ({ kind: 'answer', status: 200, body: '', ms: i + 1 }) as const)
  const text = summaryOf([...answers, { kind: 'error', message: 'x', ms: 100 }], 21)
  expect(text).toContain('21 calls')
  expect(text).toMatch(/^200 +20 +1\.0 +10\.5 +19\.0 +20\.0$/m)
  expect(text).toMatch(/^ERROR +1 +100\.0 +100\.0 +100\.0 +100\.0$/m)
  expect(text).toMatch(/^all +21 +1\.0 +14\.8 +20\.0 +100\.0$/m)
  expect(summaryOf(answers.slice(0, 2), 20)).toContain('2 of 20 calls')
  expect(summaryOf([], 20)).toBe('no call was made\n')
})

test('computes nearest-rank quantiles', () => {
  expect([0, 0.5, 0.95, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 2, 4, 4])
  expect(quantile([], 0.5)).toBeNaN()
})

test.each(['http://example.com/', 'https://localhost/', 'http://192.168.0.1/', 'http://localhost.evil.example/'])(
  'rejects %s: not loopback or not http',
  (url) => {
    expect(attackSettings.url.parse(url)).toBeUndefined()
  },
)

test.each([
  'http://u:p@127.0.0.1/',
  'http://[::2]/',
  'http://[::ffff:8.8.8.8]/',
  'file:///etc/passwd',
  'localhost',
  '',
])('rejects %s as the URL', (url) => {
  expect(attackSettings.url.parse(url)).toBeUndefined()
})

test('defaults the path to /call-external and the URL to the shop', () => {
  expect(attackSettings.url.parse('http://127.1:8000')).toBe('http://127.0.0.1:8000/call-external')
  expect(attackSettings.url.parse('http://[::1]:8000/other?x=1')).toBe('http://[::1]:8000/other?x=1')
  expect(targetOf({ url: undefined, shopPort: 8123 })).toBe('http://localhost:8123/call-external')
})

test('rejects numbers and durations out of range', () => {
  expect(['0', '-1', '1e3', '1.5', '', '100001'].map((text) => attackSettings.calls.parse(text))).toEqual(
    Array(6).fill(undefined),
  )
  expect(['500ms', '2s', '0', '1.5s', '250'].map((text) => attackSettings.intervalMs.parse(text))).toEqual([
    500, 2_000, 0, 1_500, 250,
  ])
  expect(['-1s', '5', '2h', 'soon', '1e9', ''].map((text) => attackSettings.intervalMs.parse(text))).toEqual([
    undefined,
    5,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('prints a summary of the calls so far and exits with 0 on Ctrl-C', async () => {
  const url = await serving(answering(200, '{"status":"ok"}'))
  const root = fileURLToPath(new URL('../../../../../', import.meta.url))
  const script = 'examples/potion-shop/src/attack/main.ts'
  const child = spawn(
    process.execPath,
    ['--conditions=@escudo/source', 'tools/run.mjs', script, '--url', url, '--interval', '20s'],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.includes('01 -->') && !child.killed) child.kill('SIGINT')
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(text).toMatch(/^01 --> 200 \| \{"status":"ok"\}\n\n1 of 20 calls; latency in ms\n/)
  expect(code).toBe(0)
})
