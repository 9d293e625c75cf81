import { describe, expect, it } from 'vitest'
import { ambient } from '../../core/context/ambient.ts'
import { contextHeaders } from '../../core/context/with-context.ts'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { createLogger } from '../../telemetry/pino.ts'
import type { AdapterOptions } from '../adapter-options.ts'
import { createExchanges, type Exchanges } from '../exchanges.ts'

const Errors = defineErrors({ UNKNOWN_USER: { status: 404, message: { en: 'Unknown user.', es: 'No existe.' } } })
const contract = createErrorContract({ service: 'mailer', errors: Errors })
const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

function start(options: Partial<AdapterOptions> = {}): {
  readonly exchanges: Exchanges
  readonly lines: Record<string, unknown>[]
} {
  const lines: Record<string, unknown>[] = []
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'mailer', level: 'debug', stdout: false, sink })
  return { exchanges: createExchanges({ contract, logger, ...options }), lines }
}

describe('the exchange of work', () => {
  it.each([
    ['an object', { TraceParent: TRACEPARENT }],
    ['bytes, as Kafka sends them', { traceparent: Buffer.from(TRACEPARENT) }],
    ['a list, as gRPC has them', { traceparent: [TRACEPARENT] }],
    ['a Map', new Map([['traceparent', TRACEPARENT]])],
    ['something with get()', new Headers({ traceparent: TRACEPARENT })],
  ])('continues the trace of a carrier that is %s', (_, carrier) => {
    const { exchanges } = start()
    const exchange = exchanges.begin({ name: 'mail.send', carrier })
    expect(exchange.traceId).toBe('a'.repeat(32))
    expect(exchange.run(() => contextHeaders()['traceparent'])).toContain('a'.repeat(32))
    exchange.end()
  })

  it('starts a trace without a carrier, and keeps the context in what it starts', async () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin({ name: 'cleanup', bindings: { job: 7 } })
    await exchange.run(async () => {
      await Promise.resolve()
      expect(ambient()?.traceId).toBe(exchange.traceId)
    })
    exchange.end()
    exchange.end()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      event: 'work',
      log_level: 'info',
      work: 'cleanup',
      job: 7,
      status_code: 200,
      latency_ms: expect.any(Number),
      trace_id: exchange.traceId,
    })
  })

  it('answers and logs an error once, in the language of the work', () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin({ name: 'mail.send', locale: 'es' })
    const answer = exchange.fail(new Errors.UNKNOWN_USER())
    expect(answer).toMatchObject({ status: 404, retry: 'never', body: { message: 'No existe.' } })
    expect(answer.headers['x-trace-id']).toBe(exchange.traceId)
    expect(exchange.fail(new Error('later')).body).toBe(answer.body)
    exchange.end()
    expect(lines.map(({ event, status_code, error_code }) => [event, status_code, error_code])).toEqual([
      ['work_error', 404, 'UNKNOWN_USER'],
      ['work', 404, 'UNKNOWN_USER'],
    ])
  })

  it('gives a bug a constant message, and logs its stack', () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin({ name: 'mail.send' })
    const { body, text } = exchange.fail(new TypeError('secret'))
    expect(body).toMatchObject({ error_code: 'INTERNAL_SERVER_ERROR', context: {} })
    expect(text).not.toContain('secret')
    exchange.end()
    expect(lines[0]).toMatchObject({ log_level: 'error', error_type: 'TypeError', error_stack: expect.any(String) })
  })

  it('counts in the metrics, by name and error code', () => {
    const metrics = createMetrics()
    const { exchanges } = start()
    exchanges.begin({ name: 'ok' }).end()
    const failed = exchanges.begin({ name: 'failed' })
    failed.fail(new Errors.UNKNOWN_USER())
    failed.end()
    failed.end()
    const { body } = metrics.scrape()
    metrics.close()
    expect(body).toContain('escudo_work_duration_seconds_count{escudo_work="ok"} 1')
    expect(body).toContain('escudo_work_duration_seconds_count{escudo_work="failed",error_type="UNKNOWN_USER"} 1')
    expect(body).toContain('escudo_http_errors_total{error_code="UNKNOWN_USER",error_kind="business"} 1')
  })

  it('inherits the earlier deadline', () => {
    const { exchanges } = start({ inboundDeadline: true })
    const leftMs = (source: Parameters<Exchanges['begin']>[0]): number =>
      Number(exchanges.begin(source).run(() => contextHeaders()['x-request-timeout-ms']))
    const carrier = { 'x-request-timeout-ms': '500' }
    expect(leftMs({ name: 'grpc', carrier })).toBeLessThanOrEqual(500)
    expect(leftMs({ name: 'grpc', carrier, deadlineMs: 100 })).toBeLessThanOrEqual(100)
    expect(leftMs({ name: 'grpc', deadlineMs: 100 })).toBeLessThanOrEqual(100)
    expect(leftMs({ name: 'grpc' })).toBeNaN()
  })

  it.each([
    [undefined, 'begin'],
    [{ name: '' }, 'begin.name'],
    [{ name: 'x', carier: {} }, 'begin.carier'],
    [{ name: 'x', deadlineMs: Number.NaN }, 'begin.deadlineMs'],
    [{ method: 'GET', headers: {} }, 'begin.url'],
    [{ method: undefined, url: '/', headers: {} }, 'begin.method'],
    [{ method: 'GET', url: '/', headers: null }, 'begin.headers'],
    [new Request('http://shop/'), 'begin.headers'],
  ])('rejects %o', (source, path) => {
    expect(() => start().exchanges.begin(source as never)).toThrow(path)
  })
})

describe('the exchange of a request', () => {
  const request = { method: 'GET', url: '/items/9?q=1', headers: { 'accept-language': 'es' }, address: '127.0.0.1' }

  it('answers with all headers and writes the lines of an adapter', () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin(request)
    exchange.route = '/items/:id'
    const { status, headers, body } = exchange.fail(new Errors.UNKNOWN_USER())
    expect([status, body['message'], headers['x-trace-id'], headers['cache-control']]).toEqual([
      404,
      'No existe.',
      exchange.traceId,
      'no-store',
    ])
    exchange.end(status)
    expect(lines.map(({ event, path, route }) => [event, path, route])).toEqual([
      ['http_error', '/items/9', '/items/:id'],
      ['http.request', '/items/9', '/items/:id'],
    ])
  })

  it('continues the trace of a private peer only', () => {
    const { exchanges } = start()
    const headers = { traceparent: TRACEPARENT }
    expect(exchanges.begin({ ...request, headers }).traceId).toBe('a'.repeat(32))
    expect(exchanges.begin({ ...request, headers, address: '8.8.8.8' }).traceId).not.toBe('a'.repeat(32))
  })

  it('logs an error after the reply of work once', () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin({ name: 'mail.send' })
    exchange.failAfterReply(new Error('late'))
    exchange.failAfterReply(new Error('later'))
    exchange.end()
    expect(lines.map(({ event }) => event)).toEqual(['work_error', 'work'])
  })

  it('logs 499 without a status, and an error after the reply once', () => {
    const { exchanges, lines } = start()
    const exchange = exchanges.begin(request)
    exchange.failAfterReply(new Error('late'))
    exchange.failAfterReply(new Error('later'))
    exchange.end()
    expect(lines.map(({ event, status_code }) => [event, status_code])).toEqual([
      ['http_error', 500],
      ['http.request', 499],
    ])
  })
})

it.each([
  [{}, 'createExchanges.contract'],
  [{ contract, loger: 1 }, 'createExchanges.loger'],
  [{ contract, logger: {} }, 'createExchanges.logger'],
  [{ contract, inboundDeadline: { max: -1 } }, 'createExchanges.inboundDeadline.max'],
])('createExchanges rejects %o', (options, path) => {
  expect(() => createExchanges(options as never)).toThrow(path)
})
