import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { readScrape, type Scrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics, type Metrics } from '../../telemetry/metrics.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve } from './setup.ts'

let metrics: Metrics
beforeEach(() => {
  metrics = createMetrics()
})
afterEach(() => metrics.close())

const COUNT = 'http_client_request_duration_seconds_count'
const read = (): Scrape => readScrape(metrics.scrape().body)

/** The counted attempts by their labels, without address and port. */
const sent = (): readonly (readonly [string, number])[] =>
  read()
    .samples.filter(({ name }) => name === COUNT)
    .map(({ labels: { server_address: _, server_port: __, ...rest }, value }) => [Object.values(rest).join(' '), value])

test('counts each attempt once by method, address, port and status, an error from 400 on', async () => {
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

test('measures an attempt until its body ends, and counts a broken body as an error', async () => {
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

test('distinguishes timeouts, also of an outer shield, aborts and refused connections', async () => {
  const baseUrl = await serve(() => {})
  const withTimeout = resilientFetch({ name: 'slow', baseUrl, shield: shield('slow', timeout(30)) })
  await withTimeout('/').catch(() => {})
  expect(sent()).toEqual([['GET timeout', 1]])
  const unshielded = resilientFetch({ name: 'slow', baseUrl, shield: false })
  await shield('around', timeout(30))
    .run(({ signal }) => unshielded('/', { signal }))
    .catch(() => {})
  await unshielded('/', { signal: AbortSignal.timeout(30) }).catch(() => {})
  expect(sent()).toEqual([['GET timeout', 3]])
  const caller = new AbortController()
  const aborted = unshielded('/', { signal: caller.signal }).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 20))
  caller.abort()
  await aborted
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

test('ends an attempt on its timeout, and only once, if fetch ignores its signal', async () => {
  let answer = (_: Response): void => {}
  const ignoresSignal = (): Promise<Response> =>
    new Promise((resolve) => {
      answer = resolve
    })
  const get = resilientFetch({
    name: 'slow',
    baseUrl: 'https://slow',
    shield: shield('slow', timeout(20)),
    fetch: ignoresSignal,
  })
  await get('/').catch(() => {})
  expect(sent()).toEqual([['GET timeout', 1]])
  answer(new Response('late'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(sent()).toEqual([['GET timeout', 1]])
  expect(read().sum(COUNT, { server_address: 'slow', server_port: '443' })).toBe(1)
})

test('does not count an invalid request', async () => {
  const baseUrl = await serve(() => {})
  const get = resilientFetch({ name: 'x', baseUrl, shield: false })
  await get('/', { method: 'GET', body: 'none' }).catch(() => {})
  await get('/', { signal: AbortSignal.abort() }).catch(() => {})
  expect(read().sum(COUNT)).toBeUndefined()
})

test('counts unknown methods in one series', async () => {
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

test('counts an attempt that is aborted with a reason that throws when it is looked at', async () => {
  const { proxy: reason, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  const controller = new AbortController()
  const baseUrl = await serve(() => controller.abort(reason))
  const get = resilientFetch({ name: 'inventory', baseUrl, shield: false })
  const outcome = await get('/', { signal: controller.signal }).then(
    () => 'a response',
    (error) => (error === reason ? 'the reason' : 'another error'),
  )
  expect(outcome).toBe('the reason')
  await vi.waitFor(() => expect(sent()).toEqual([['GET aborted', 1]]))
})
