import { describe, expect, it } from 'vitest'
import { LineReader } from '../../reader/line-reader.ts'
import { readLines, readOne } from './setup.ts'

const AT = Date.UTC(2026, 10, 28, 14)
const ISO = '2026-11-28T14:00:00.000Z'
const request = (format: string, status: number, latencyMs?: number): object => ({
  format,
  isRequest: true,
  status,
  latencyMs,
})

describe('text formats', () => {
  it.each([
    ['[GIN] 2026/11/28 - 14:00:00 | 200 |   12.5ms |  192.0.2.1 | GET      "/o/7"', request('gin', 200, 12.5)],
    ['[GIN] 2026/11/28 - 14:00:00 | 503 |   1.25s |  192.0.2.1 | POST     "/o"', request('gin', 503, 1_250)],
    ['INFO:     192.0.2.1:5000 - "GET /o/7 HTTP/1.1" 200 OK', request('uvicorn', 200)],
    ['GET /o/7 500 12.345 ms - 15', request('morgan', 500, 12.345)],
    ['\u001B[0mGET /o/7 \u001B[31m500\u001B[0m 12.345 ms - 15\u001B[0m', request('morgan', 500, 12.345)],
    ['GET /o 304 - - 1.5 ms', request('morgan', 304, 1.5)],
    ['Completed 404 Not Found in 12ms (Views: 8.1ms)', request('rails', 404, 12)],
    [
      '192.0.2.1:3000 [28/Nov/2026:14:00:00.123] in shop/s1 0/0/1/12/14 503 812 - - ---- 1/1/0/0/0 0/0 "GET /o?x HTTP/1.1"',
      { ...request('haproxy', 503, 14), service: 'shop', path: '/o' },
    ],
    [
      '192.0.2.1 - - [28/Nov/2026:14:00:00 +0000] "GET /o HTTP/1.1" 200 8 "-" "curl \\"8\\"" rt=0.058 uct="0.001"',
      request('combined', 200, 58),
    ],
    ['shop.example:443 ::1 - - [28/Nov/2026:14:00:00 +0000] "GET /o HTTP/1.1" 200 8 "-" "x"', request('combined', 200)],
    ['192.0.2.1 - - [28/Nov/2026:14:00:00 +0000] "GET /o HTTP/1.1" 200 8 "-" "x" 12500', request('combined', 200)],
    ['192.0.2.1 - - [28/Nov/2026:14:00:00 +0000] "\\x16\\x03\\x01" 400 8 "-" "-"', request('combined', 400)],
    [
      '2026-11-28T14:00:00.123456Z my-elb 203.0.113.9:2817 - -1 -1 -1 504 0 0 0 "GET http://a:80/o HTTP/1.1" "curl" - -',
      { ...request('aws-load-balancer', 504), path: '/o' },
    ],
    ['time=2026-11-28T14:00:00Z level=INFO msg=x status=200 duration=12.5ms', request('slog', 200, 12.5)],
    [
      'time="2026-11-28T14:00:00Z" level=info msg="GET \\"/o\\"" status=503 latency_us=800',
      request('logrus', 503, 0.8),
    ],
    [
      'at=info method=GET path="/o" fwd="192.0.2.1" dyno=web.1 connect=1ms service=12ms status=200 bytes=8',
      request('heroku-router', 200, 12),
    ],
    [
      'method=GET path=/o format=html controller=o action=show status=200 duration=12.50 view=8.10',
      request('lograge', 200, 12.5),
    ],
  ])('reads %s', (line, expected) => {
    expect(readOne(line)).toMatchObject(expected)
  })

  it.each([
    ['2026-11-28 14:00:00,123 INFO main - 200 items', 'text', 'info'],
    ['[2026-11-28T14:00:00Z] ERROR failed', 'text', 'error'],
    ['[Sat Nov 28 14:00:00.123456 2026] [core:error] [pid 12] failed', 'text', 'error'],
    ['2026/11/28 14:00:00 [error] 12#12: *1 connect() failed', 'text', 'error'],
    ['Nov 28 14:00:00 host app[12]: started', 'syslog', undefined],
    ['<11>Nov 28 14:00:00 host app: failed', 'syslog', 'error'],
    ['<165>1 2026-11-28T14:00:00.003Z host app 12 ID47 [a@1 b="c"] started', 'syslog', 'info'],
    ['shop-1  | starting', 'compose', undefined],
  ])('reads %s as a line that is no request', (line, format, level) => {
    expect(readOne(line)).toMatchObject({ format, level, isRequest: false })
  })
})

describe('JSON formats', () => {
  it.each([
    [{ level: 'info', msg: 'x', time: ISO, status: 200, duration: 12_500_000 }, request('logrus', 200, 12.5)],
    [
      { DownstreamStatus: 502, Duration: 12_500_000, RequestMethod: 'GET', RequestPath: '/o', StartUTC: ISO },
      request('traefik', 502, 12.5),
    ],
    [
      {
        severity: 'ERROR',
        httpRequest: { requestMethod: 'GET', requestUrl: 'https://a/o?x', status: 500, latency: '0.0125s' },
        timestamp: ISO,
        'logging.googleapis.com/trace': 'projects/p/traces/06796866738c859f2f19b7cfb3214824',
      },
      { ...request('google', 500, 12.5), path: '/o', method: 'GET', traceId: '06796866738c859f2f19b7cfb3214824' },
    ],
    [{ message: 'done', context: { status: 200, duration_ms: 3 }, level: 200, datetime: ISO }, request('json', 200, 3)],
    [
      { timestamp: ISO, level: 'info', message: 'm', status: '503', response_time: '21ms' },
      request('winston', 503, 21),
    ],
    [{ timestamp: ISO, message: 'm', http: { status_code: '404', duration_ms: '7' } }, request('json', 404, 7)],
    [{ timestamp: ISO, StatusCode: 200, latency_us: 800 }, request('json', 200, 0.8)],
    [
      { instant: { epochSecond: AT / 1_000 }, level: 'ERROR', loggerName: 'a', message: 'x' },
      { format: 'log4j', level: 'error', at: AT },
    ],
    [
      {
        time: ISO,
        level: 'INFO',
        msg: 'x',
        status: 200,
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
      { ...request('slog', 200), traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' },
    ],
  ])('reads %j', (line, expected) => {
    expect(readOne(line)).toMatchObject(expected)
  })

  it('takes neither a word nor an impossible number for a status, a path or an id', () => {
    for (const status of ['ok', 'active', 0, 1, 99, 600, 200.5, '2e2', '0200', [200], { code: 200 }, null, true]) {
      expect(readOne({ timestamp: ISO, message: 'x', status })).toMatchObject({ status: undefined, isRequest: false })
    }
    const line = readOne({
      timestamp: ISO,
      message: 'x',
      trace: 'Traceback (most recent call last)',
      path: 'C:\\a',
      trace_id: '0000',
      pid: -1,
    })
    expect(line).toMatchObject({ traceId: undefined, path: undefined, pid: undefined })
  })

  it('counts one request for the lines of Fastify, with the path and the error of the others', () => {
    const line = { level: 30, time: AT, pid: 4, hostname: 'h', reqId: 'r1' }
    const read = readLines([
      { ...line, req: { method: 'GET', url: '/boom?x' }, msg: 'incoming request' },
      { ...line, reqId: 'r2', req: { method: 'PUT', url: '/other' }, msg: 'incoming request' },
      {
        ...line,
        level: 50,
        req: { method: 'GET', url: '/boom' },
        res: { statusCode: 500 },
        err: { message: 'boom' },
        msg: 'boom',
      },
      { ...line, res: { statusCode: 500 }, responseTime: 4, msg: 'request completed' },
    ])
    expect(read.filter(({ isRequest }) => isRequest)).toMatchObject([
      { status: 500, latencyMs: 4, path: '/boom', method: 'GET', message: 'boom' },
    ])
  })

  it('counts one request for the lines of ASP.NET and Serilog about it', () => {
    const line = { '@t': ISO, StatusCode: 404, RequestId: '0HN1' }
    const lines = [
      { ...line, SourceContext: 'Microsoft.AspNetCore.Mvc.StatusCodeResult' },
      { ...line, SourceContext: 'Microsoft.AspNetCore.Hosting.Diagnostics', ElapsedMilliseconds: 5.5 },
    ]
    const serilog = { ...line, SourceContext: 'Serilog.AspNetCore.RequestLoggingMiddleware', Elapsed: 5 }
    const latencies = (all: readonly object[]): unknown =>
      readLines(all)
        .filter(({ isRequest }) => isRequest)
        .map(({ latencyMs }) => latencyMs)
    expect(latencies(lines)).toEqual([5.5])
    expect(latencies([...lines, serilog])).toEqual([5])
  })

  it('names a doubtful duration as it is written, also within an object', () => {
    const reader = new LineReader()
    readLines([{ timestamp: ISO, message: 'x', http: { status_code: 200, duration: 12_500 } }], reader)
    readLines(
      [{ version: '1.1', host: 'a', short_message: 'x', timestamp: AT / 1_000, _status: 200, _took: 12_500 }],
      reader,
    )
    expect([...reader.context.judge.doubts.keys()]).toEqual(['http.duration', '_took'])
  })

  it('identifies the process by its instance, or by host and pid', () => {
    expect(readOne({ level: 30, time: AT, pid: 4, hostname: 'h', msg: 'x' })).toMatchObject({ instance: 'h/4', pid: 4 })
    const instance = { host: 'h', pid: 4, started_at: ISO }
    expect(readOne({ timestamp: ISO, log_level: 'info', event: 'service.start', instance }).instance).toBe(`h/4/${ISO}`)
    for (const own of [
      { timestamp: ISO, log_level: 'info', event: 'x' },
      { time: ISO, msg: 'x' },
    ]) {
      expect(readOne({ ...own, pid: 4 })).toMatchObject({ instance: '4', pid: 4 })
      expect(readOne({ ...own, pid: 4, instance: 'shop-1' }).instance).toBe('shop-1/4')
      expect(readOne({ ...own, pid: 4, instance: { host: 'h' } }).instance).toBe('h/4')
      expect(readOne({ ...own, instance: 'i'.repeat(1_000) }).instance).toHaveLength(200)
      expect(readOne({ ...own, instance: {} }).instance).toBeUndefined()
      expect(readOne({ ...own, hostname: 'h' }).instance).toBeUndefined()
    }
  })

  it('makes no event of the message of structlog, and keeps the events of escudo', () => {
    expect(readOne({ event: 'timeout', level: 'info', timestamp: ISO }).event).toBe('timeout')
    expect(readOne({ event: 'order placed', level: 'info', timestamp: ISO })).toMatchObject({
      event: undefined,
      message: 'order placed',
    })
    expect(readOne({ event: 'http.request', level: 'info', timestamp: ISO, status_code: 200 }).isRequest).toBe(true)
  })
})

describe('wrappers', () => {
  const inner = { timestamp: ISO, event: 'http.request', status_code: 500, latency_ms: 12, service: 'shop' }
  const text = JSON.stringify(inner)

  it.each([
    ['compose', `shop-1  | ${text}`],
    ['compose in colour', `\u001B[36mshop_1 |\u001B[0m ${text}`],
    ['stern', `[pod/shop-5d/app] ${text}`],
    ['syslog', `<14>Nov 28 14:00:00 host app[12]: ${text}`],
    ['syslog with fields', `<14>1 ${ISO} host app 12 - - ${text}`],
    ['kubectl with times', `2026-11-28T14:00:00.123456789Z ${text}`],
    ['a console', `2026-11-28T14:00:00.000Z\tINFO\tserver/main.go:12\trequest\t${text}`],
    ['CRI', `2026-11-28T14:00:00.3567Z stdout F ${text}`],
    ['a collector', JSON.stringify({ log: text, kubernetes: { container_name: 'x' } })],
    ['a message', JSON.stringify({ '@timestamp': ISO, message: text })],
    ['Docker in a message', JSON.stringify({ msg: JSON.stringify({ log: `${text}\n`, stream: 'stderr', time: ISO }) })],
    ['journald with bytes', JSON.stringify({ __REALTIME_TIMESTAMP: `${AT}000`, MESSAGE: [...Buffer.from(text)] })],
  ])('unwraps %s', (_, line) => {
    expect(readOne(line)).toMatchObject({ at: AT, isRequest: true, status: 500, latencyMs: 12, service: 'shop' })
  })

  it('fills what the inner line does not say from its wrapper', () => {
    const line = readOne(
      JSON.stringify({
        log: 'GET /o 500 12 ms - 15\n',
        stream: 'stdout',
        time: ISO,
        kubernetes: { container_name: 'cart' },
      }),
    )
    expect(line).toMatchObject({ at: AT, service: 'cart', status: 500, latencyMs: 12, path: '/o' })
    expect(readOne(`<11>1 ${ISO} host cart 12 - - GET /o 500 12 ms - 15`)).toMatchObject({
      at: AT,
      service: 'cart',
      level: 'error',
      instance: 'host/12',
    })
  })

  it('counts the request of a line whose message is JSON about something else', () => {
    const line = readOne({ timestamp: ISO, level: 'info', message: '{"msg":"hi"}', status: 200, duration_ms: 3 })
    expect(line).toMatchObject({ isRequest: true, status: 200, latencyMs: 3 })
    expect(readOne({ timestamp: ISO, level: 'info', message: text, status: 'sent' })).toMatchObject({ status: 500 })
  })

  it('takes no level before a bar for the name of a container', () => {
    const reader = new LineReader()
    expect(reader.read('INFO | started')).toMatchObject({ reason: 'unknown-text' })
    expect(readOne('information-1 | started')).toMatchObject({ service: 'information' })
  })

  it('joins the parts of a line, for each stream and over all depths', () => {
    const long = JSON.stringify({ ...inner, note: 'x'.repeat(40_000) })
    const docker = [long.slice(0, 16_384), long.slice(16_384, 32_768), `${long.slice(32_768)}\n`].map((log) => ({
      log,
      stream: 'stdout',
      time: ISO,
    }))
    expect(readLines(docker)).toMatchObject([{ status: 500 }])
    const cri = (stream: string, tag: string, part: string): string => `${ISO} ${stream} ${tag} ${part}`
    const mixed = [
      cri('stdout', 'P', text.slice(0, 9)),
      cri('stderr', 'P', text.slice(0, 30)),
      cri('stdout', 'F', text.slice(9)),
      cri('stderr', 'F', text.slice(30)),
    ]
    expect(readLines(mixed)).toMatchObject([{ status: 500 }, { status: 500 }])
  })

  it('reads all records of an OpenTelemetry batch with the attributes of their resource', () => {
    const record = {
      observedTimeUnixNano: `${AT}000000`,
      severityNumber: 17,
      attributes: [{ key: 'http.response.status_code', value: { intValue: 500 } }],
    }
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
    const batch = {
      resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record, { ...record, severityNumber: 9 }] }] }],
    }
    expect(readLines([batch])).toMatchObject([
      { at: AT, service: 'shop', level: 'error', status: 500, isRequest: true },
      { at: AT, service: 'shop', level: 'info', status: 500, isRequest: true },
    ])
    expect(readOne({ timeUnixNano: `${AT}000000`, severityText: 'WARN', body: { stringValue: 'x' } })).toMatchObject({
      at: AT,
      level: 'warning',
      message: 'x',
    })
  })
})
