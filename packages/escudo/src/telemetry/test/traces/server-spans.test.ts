import { request as httpRequest } from 'node:http'
import { propagation } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { Exchange } from '../../../server/exchange.ts'
import { Errors, serverPerTest } from '../../../server/fastify/test/setup.ts'
import { contractOptions, escudo } from '../../../server/fastify.ts'
import { recordTraces } from '../../otel.ts'
import { createLogger } from '../../pino.ts'
import { activeIds, CALLER_SPAN_ID, endedSpans, startTraces, TRACE_ID, TRACEPARENT } from './setup.ts'

const serve = serverPerTest()
const headers = { traceparent: TRACEPARENT }

describe('the span of a request', () => {
  it('has the names, attributes and parent of the semantic conventions', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => void app.get('/items/:id', async () => 'ok'))
    await fetch(`http://127.0.0.1:${port}/items/item1?token=secret`, { headers })
    expect(await endedSpans(sdk, 'server')).toEqual([
      {
        kind: 'server',
        name: 'GET /items/:id',
        traceId: TRACE_ID,
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        parentSpanId: CALLER_SPAN_ID,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/items/:id',
          'http.response.status_code': 200,
          'server.address': '127.0.0.1',
          'server.port': port,
          'url.path': '/items/item1',
          'url.scheme': 'http',
        },
        status: 'unset',
        events: [],
      },
    ])
  })

  it('gives its ids to the header X-Trace-ID and to the log lines', async () => {
    const sdk = startTraces()
    const { port, waitForLines } = await serve((app) => void app.get('/', async () => 'ok'))
    const response = await fetch(`http://127.0.0.1:${port}/`)
    const [span] = await endedSpans(sdk, 'server')
    expect(response.headers.get('x-trace-id')).toBe(span?.traceId)
    expect(await waitForLines('http.request', 1)).toMatchObject([{ trace_id: span?.traceId, span_id: span?.spanId }])
    expect(span?.parentSpanId).toBeUndefined()
  })

  it('starts a new trace for a peer that is not trusted', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => void app.get('/', async () => propagation.getActiveBaggage() ?? 'none'), {
      contract: { trustInbound: false },
    })
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { ...headers, baggage: 'a=1' } })
    expect(await response.text()).toBe('none')
    const [span] = await endedSpans(sdk, 'server')
    expect(span?.traceId).not.toBe(TRACE_ID)
    expect(span?.parentSpanId).toBeUndefined()
  })

  it('passes the baggage of a trusted peer on to the program', async () => {
    startTraces()
    const { port } = await serve((app) => {
      app.get('/', async () => propagation.getActiveBaggage()?.getEntry('tenant')?.value)
    })
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { ...headers, baggage: 'tenant=42' } })
    expect(await response.text()).toBe('42')
  })

  it('has the code of a business error, and no error', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => {
      app.get('/items/:id', async () => {
        throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: '9' })
      })
    })
    await fetch(`http://127.0.0.1:${port}/items/9`)
    const [span] = await endedSpans(sdk, 'server')
    expect(span).toMatchObject({ status: 'unset', events: [], name: 'GET /items/:id' })
    expect(span?.attributes).toMatchObject({ 'http.response.status_code': 404, 'escudo.error.code': 'ITEM_NOT_FOUND' })
    expect(span?.attributes).not.toHaveProperty('error.type')
  })

  it('records a bug with its stack and causes, without secrets', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => {
      app.get('/', async () => {
        throw new TypeError('no items', { cause: new Error('postgres://shop:hunter2@db/items refused') })
      })
    })
    await fetch(`http://127.0.0.1:${port}/`)
    const [span] = await endedSpans(sdk, 'server')
    expect(span?.status).toBe('error')
    expect(span?.attributes).toMatchObject({ 'error.type': 'INTERNAL_SERVER_ERROR', 'http.response.status_code': 500 })
    expect(span?.events).toHaveLength(1)
    expect(span?.events[0]).toMatchObject({ name: 'exception', attributes: { 'exception.type': 'TypeError' } })
    const texts = span?.events[0]?.attributes as Record<string, string>
    expect(texts['exception.message']).toMatch(/^no items: postgres:.*db\/items refused$/)
    expect(texts['exception.stacktrace']).toContain('server-spans.test.ts')
    expect(JSON.stringify(texts)).not.toContain('hunter2')
  })

  it('has an unknown method as _OTHER, and no route without one', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => void app.get('/', async () => 'ok'))
    const status = await new Promise((resolve, reject) => {
      const sent = httpRequest({ port, host: '127.0.0.1', method: 'PURGE', path: '/nothing' }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
      sent.once('error', reject).end()
    })
    const [span] = await endedSpans(sdk, 'server')
    expect(span?.name).toBe('HTTP')
    expect(span?.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PURGE',
      'http.response.status_code': status,
    })
    expect(span?.attributes).not.toHaveProperty('http.route')
  })

  it('has the scheme of the connection, and its port', () => {
    const sdk = startTraces()
    const contract = createErrorContract({ service: 'x', errors: Errors })
    const logger = createLogger({ service: 'x', stdout: false, sink: { write: () => {} } })
    const inbound = { method: 'GET', url: 'https://shop.test/a?b', address: undefined, headers: { host: 'shop.test' } }
    new Exchange(contract, logger as never, { ...inbound, isEncrypted: true }).end(200)
    for (const host of ['no host', 'user:pw@shop.test']) {
      new Exchange(contract, logger as never, { ...inbound, headers: { host } }).end(200)
    }
    const address = { 'server.address': 'shop.test', 'server.port': 443 }
    const rest = { 'http.request.method': 'GET', 'url.path': '/a', 'http.response.status_code': 200 }
    expect(sdk.spans().map(({ attributes }) => attributes)).toEqual([
      { ...rest, ...address, 'url.scheme': 'https' },
      { ...rest, 'url.scheme': 'http' },
      { ...rest, 'url.scheme': 'http' },
    ])
  })

  it('has no secret of the path, and no attribute without a bound', () => {
    const sdk = startTraces()
    const contract = createErrorContract({ service: 'x', errors: Errors })
    const logger = createLogger({ service: 'x', stdout: false, sink: { write: () => {} } })
    for (const inbound of [
      { method: 'GET', url: '/reset/token=hunter2/now', host: 'shop.test' },
      { method: 'X'.repeat(9_000), url: `/${'a'.repeat(9_000)}`, host: 'h'.repeat(9_000) },
    ]) {
      const { host, ...rest } = inbound
      new Exchange(contract, logger as never, { ...rest, address: undefined, headers: { host } }).end(200)
    }
    const [secret, long] = sdk.spans().map(({ attributes }) => attributes)
    expect(secret?.['url.path']).toBe('/reset/token=[redacted]')
    for (const value of Object.values(long ?? {})) expect(String(value).length).toBeLessThan(2_100)
    expect(String(long?.['server.address']).length).toBeLessThan(260)
  })

  it('ends when the client disconnects', async () => {
    const sdk = startTraces()
    const abort = new AbortController()
    const { port } = await serve((app) => {
      app.get('/', () => {
        abort.abort()
        return new Promise(() => {})
      })
    })
    await expect(fetch(`http://127.0.0.1:${port}/`, { signal: abort.signal })).rejects.toThrow()
    const [span] = await endedSpans(sdk, 'server')
    expect(span).toMatchObject({ status: 'unset', attributes: { 'http.response.status_code': 499 } })
  })

  it('exists for a request that Node cannot parse', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => void app.get('/', async () => 'ok'))
    const { connect } = await import('node:net')
    const socket = connect(port, '127.0.0.1')
    socket.end('GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n')
    const [span] = await endedSpans(sdk, 'server')
    expect(span?.attributes).toMatchObject({ 'http.request.method': 'GET', 'http.response.status_code': 400 })
  })
})

describe('a request', () => {
  it('that is not sampled still has the ids of its span', async () => {
    const sdk = startTraces({ sampler: new AlwaysOffSampler() })
    const { port } = await serve((app) => void app.get('/', async () => activeIds()))
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers })
    const ids = (await response.json()) as { traceId: string; traceFlags: number }
    expect(ids).toMatchObject({ traceId: TRACE_ID, traceFlags: 0 })
    expect(response.headers.get('x-trace-id')).toBe(TRACE_ID)
    expect(sdk.spans()).toEqual([])
  })

  it('has the ids of escudo while no SDK has started, and after the recording has stopped', async () => {
    const stop = recordTraces()
    const contract = createErrorContract({ service: 'x', errors: Errors })
    const app = Fastify(contractOptions(contract))
    await app.register(escudo, { contract })
    app.get('/', async () => ({ ...ambient(), tally: undefined }))
    try {
      const withoutSdk = await app.inject({ url: '/', headers })
      expect(withoutSdk.json()).toMatchObject({ traceId: TRACE_ID, parentSpanId: CALLER_SPAN_ID })
      expect(withoutSdk.json().spanId).not.toBe(CALLER_SPAN_ID)
    } finally {
      stop()
    }
    const sdk = startTraces()
    sdk.stop()
    expect((await app.inject({ url: '/', headers })).json()).toMatchObject({ traceId: TRACE_ID })
    expect(sdk.spans()).toEqual([])
    await app.close()
  })
})
