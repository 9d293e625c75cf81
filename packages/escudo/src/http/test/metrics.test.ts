import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { readScrape, type Scrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics, type Metrics } from '../../telemetry/metrics.ts'
import { resilientFetch } from '../resilient-fetch.ts'

// Attempts as telemetry sees them, over real sockets.

let metrics: Metrics
const servers: Server[] = []
afterEach(() => {
  metrics.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  metrics = createMetrics()
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const COUNT = 'http_client_request_duration_seconds_count'
const read = (): Scrape => readScrape(metrics.scrape().body)

/** What is counted, but for address and port. */
const sent = (): readonly (readonly [string, number])[] =>
  read()
    .samples.filter(({ name }) => name === COUNT)
    .map(({ labels: { server_address: _, server_port: __, ...rest }, value }) => [Object.values(rest).join(' '), value])

test('each attempt once, by method, address, port and status; from 400 on the status is the error', async () => {
  let calls = 0
  const baseUrl = await serve((_request, response) => {
    calls += 1
    response.statusCode = [503, 503, 200, 404][calls - 1] ?? 200
    response.end('x')
  })
  const get = resilientFetch({
    name: 'inventory',
    baseUrl,
    shield: shield('inventory', retry({ maxRetries: 2, backoff: constant(1) })),
  })
  await (await get('/')).text()
  await (await get('/')).text()
  await (await get('/', { method: 'POST', body: 'b' })).text()
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(5))
  expect(sent()).toEqual([
    ['GET 200', 1],
    ['GET 404 404', 1],
    ['GET 503 503', 2],
    ['POST 200', 1],
  ])
  expect(read().sum(COUNT, { server_address: '127.0.0.1', server_port: new URL(baseUrl).port })).toBe(5)
})

test('an attempt ends with its body: slow bodies are part of its time, broken ones are failures', async () => {
  const baseUrl = await serve((request, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('01234')
    if (request.url === '/broken') setTimeout(() => response.destroy(), 20)
    else setTimeout(() => response.end('56789'), 300)
  })
  const get = resilientFetch({ name: 'inventory', baseUrl, shield: false })
  const slow = await get('/slow')
  expect(read().sum(COUNT)).toBeUndefined()
  expect(await slow.text()).toBe('0123456789')
  await (await get('/broken')).text().catch(() => 'broken')
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(2))
  expect(sent()).toEqual([
    ['GET 200', 1],
    ['GET 200 body', 1],
  ])
  expect(read().sum('http_client_request_duration_seconds_bucket', { le: '0.25', error_type: 'body' })).toBe(1)
  expect(read().sum('http_client_request_duration_seconds_sum')).toBeGreaterThan(0.29)
})

test('no answer: refused, timed out, given up; a timeout of a shield around the whole is one too', async () => {
  const baseUrl = await serve(() => {})
  const lone = resilientFetch({ name: 'slow', baseUrl, shield: shield('slow', timeout(30)) })
  await lone('/').catch(() => {})
  expect(sent()).toEqual([['GET timeout', 1]])
  const plain = resilientFetch({ name: 'slow', baseUrl, shield: false })
  await shield('around', timeout(30))
    .run(({ signal }) => plain('/', { signal }))
    .catch(() => {})
  await plain('/', { signal: AbortSignal.timeout(30) }).catch(() => {})
  expect(sent()).toEqual([['GET timeout', 3]])
  const caller = new AbortController()
  const given = plain('/', { signal: caller.signal }).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 20))
  caller.abort()
  await given
  const refused = resilientFetch({ name: 'dead', baseUrl: 'http://[::1]:1', shield: false })
  await refused('/').catch(() => {})
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(5))
  expect(sent()).toEqual([
    ['GET aborted', 1],
    ['GET timeout', 3],
    [expect.stringMatching(/^GET (refused|network)$/), 1],
  ])
  expect(read().sum(COUNT, { server_address: '::1', server_port: '1' })).toBe(1)
})

test('an attempt whose fetch is deaf ends when it is given up, and is not told again when it comes back', async () => {
  await serve(() => {})
  let answer = (_: Response): void => {}
  const deaf = (): Promise<Response> =>
    new Promise((resolve) => {
      answer = resolve
    })
  const get = resilientFetch({
    name: 'deaf',
    baseUrl: 'https://deaf',
    shield: shield('deaf', timeout(20)),
    fetch: deaf,
  })
  await get('/').catch(() => {})
  expect(sent()).toEqual([['GET timeout', 1]])
  answer(new Response('late'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(sent()).toEqual([['GET timeout', 1]])
  expect(read().sum(COUNT, { server_address: 'deaf', server_port: '443' })).toBe(1)
})

test('a request that cannot be made is no attempt', async () => {
  const baseUrl = await serve(() => {})
  const get = resilientFetch({ name: 'x', baseUrl, shield: false })
  await get('/', { method: 'GET', body: 'none' }).catch(() => {})
  await get('/', { signal: AbortSignal.abort() }).catch(() => {})
  expect(read().sum(COUNT)).toBeUndefined()
})

test('a method that a client makes up has no series of its own', async () => {
  const baseUrl = await serve((_request, response) => response.end())
  const get = resilientFetch({
    name: 'x',
    baseUrl,
    shield: false,
    fetch: async () => new Response('made up'),
  })
  for (let index = 0; index < 5; index += 1) await (await get('/', { method: `MADE-UP-${index}` })).text()
  await vi.waitFor(() => expect(sent()).toEqual([['_OTHER 200', 5]]))
})
