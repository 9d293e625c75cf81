import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { shield } from '../../core/shield.ts'
import { resilientFetch } from '../../http/resilient-fetch.ts'
import { closedOrigin, serve, settled } from '../../http/test/setup.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { readScrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics, type Metrics } from '../../telemetry/metrics.ts'
import { policyLine } from '../../telemetry/policy-lines.ts'
import { subscribe } from '../../telemetry/subscribe.ts'
import type { VirtualClock } from '../../testing/virtual-clock.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { client } from './setup.ts'

let metrics: Metrics
beforeEach(() => {
  metrics = createMetrics()
})
afterEach(() => metrics.close())

interface Request {
  readonly path: string
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Aborts when the request has arrived, or when the response has. */
  readonly aborts?: boolean
}

type Send = (
  url: string,
  init: { method: Request['method']; signal: AbortSignal },
) => Promise<{ read(): Promise<unknown> }>

const REQUESTS: readonly Request[] = [
  { path: '/200', method: 'GET' },
  { path: '/200', method: 'POST' },
  { path: '/204', method: 'PUT' },
  { path: '/404', method: 'GET' },
  { path: '/500', method: 'GET' },
  { path: '/501', method: 'PUT' },
  { path: '/503', method: 'POST' },
  { path: '/429', method: 'GET' },
  { path: '/flaky', method: 'GET' },
  { path: '/flaky', method: 'GET' },
  { path: '/reset', method: 'GET' },
  { path: '/reset', method: 'POST' },
  { path: '/broken', method: 'GET' },
  { path: '/broken-503', method: 'GET' },
  { path: '/stalled', method: 'GET' },
  { path: '/silent', method: 'GET' },
  { path: '/silent', method: 'POST', aborts: true },
  { path: '/stalled', method: 'GET', aborts: true },
]

function answerer(arrived: () => void) {
  let flaky = 0
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    arrived()
    const path = request.url ?? ''
    const part = (status: number): void => {
      response.writeHead(status, { 'content-length': '100' })
      response.write('part')
    }
    if (path === '/silent') return
    if (path === '/reset') response.destroy()
    else if (path === '/stalled') part(200)
    else if (path.startsWith('/broken')) {
      part(path === '/broken' ? 200 : 503)
      setTimeout(() => response.destroy(), 10)
    } else if (path === '/flaky') response.writeHead(++flaky % 2 === 1 ? 503 : 200).end('ok')
    else response.writeHead(Number(path.slice(1)), { 'content-type': 'application/json' }).end('{}')
  }
}

/** Sends all requests, one after the other. Returns what telemetry and the callers saw of them. */
async function observe(send: (baseUrl: string, clock: VirtualClock) => Send): Promise<unknown> {
  const clock = virtualClock()
  const events: unknown[] = []
  const stop = subscribe((event) => {
    if (event.shield !== 'same') return
    const line = policyLine(event)
    events.push([event.type, 'attempt' in event ? event.attempt : undefined, line?.fields])
  })
  let arrivals = 0
  const baseUrl = await serve(answerer(() => (arrivals += 1)))
  const answers: unknown[] = []
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  for (const origin of [baseUrl, await closedOrigin()]) {
    const call = send(origin, clock)
    for (const { path, method, aborts } of origin === baseUrl ? REQUESTS : REQUESTS.slice(0, 2)) {
      const caller = new AbortController()
      let seen = arrivals
      let delivered = false
      let outcome: unknown
      void withAmbient(context, () =>
        call(path, { method, signal: caller.signal })
          .then((response) => {
            delivered = true
            return response.read()
          })
          .catch((error) => (error === 'impatient' ? error : [error.code, error.failure, error.status, error.message]))
          .then((value) => {
            outcome = value
          }),
      )
      while (outcome === undefined) {
        await settled()
        // The clock passes the timeout as soon as nothing else will end the attempt.
        const isStill = path === '/silent' ? arrivals > seen : path === '/stalled' && delivered
        seen = arrivals
        if (isStill && aborts === true) caller.abort('impatient')
        await clock.advance(isStill && aborts !== true ? 2_000 : 1)
      }
      answers.push([path, method, outcome])
      await settled()
    }
  }
  stop()
  const { samples } = readScrape(metrics.scrape().body)
  const counts = samples
    .filter((sample) => /_total$|_count$/.test(sample.name) && !/go_|process_/.test(sample.name))
    .filter(({ labels }) => labels['escudo_shield'] === undefined || labels['escudo_shield'] === 'same')
    .map(({ name: metric, labels: { server_port: _, ...rest }, value }) => [metric, rest, value])
  return comparable({ answers, events, counts: counts.map((count) => JSON.stringify(count)).sort() })
}

/** Removes what differs between two runs, and the error with which `fetch` wraps that of undici. */
function comparable(observed: object): unknown {
  const text = JSON.stringify(observed)
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host')
    .replaceAll(/\{"type":"TypeError","message":"fetch failed"\},?/g, '')
  return JSON.parse(text)
}

const same = (clock: VirtualClock) =>
  shield(
    { name: 'same', clock },
    retry({ maxRetries: 1, backoff: constant(1) }),
    circuitBreaker({ trip: consecutive(1_000) }),
    bulkhead({ limit: 5 }),
    timeout('2s'),
  )

test.each(['throw', 'return'] as const)(
  'gives the same metrics, events and errors as resilientFetch for the same traffic: %s',
  { timeout: 60_000 },
  async (mode) => {
    const errors = mode === 'throw' ? mode : undefined
    const viaFetch = await observe((baseUrl, clock) => {
      const fetch = resilientFetch({ name: 'inventory', baseUrl, shield: same(clock), errors })
      return async (url, init) => {
        const response = await fetch(url, { ...init, ...(init.method === 'GET' ? {} : { body: 'x' }) })
        return { read: async () => [response.status, await response.text()] }
      }
    })
    metrics.close()
    metrics = createMetrics()
    const viaUndici = await observe((baseUrl, clock) => {
      const request = client({ baseUrl, shield: same(clock), errors })
      return async (url, init) => {
        const { statusCode, body } = await request(url, { ...init, ...(init.method === 'GET' ? {} : { body: 'x' }) })
        return { read: async () => [statusCode, await body.text()] }
      }
    })
    expect(viaUndici).toEqual(viaFetch)
    expect((viaUndici as { events: unknown[] }).events.length).toBeGreaterThan(10)
  },
)
