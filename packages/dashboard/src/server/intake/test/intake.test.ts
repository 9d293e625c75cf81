import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { healthOf } from '../../../report/health.ts'
import { readTrace } from '../../../report/read-trace.ts'
import { BODY_BYTES_MAX } from '../read-body.ts'
import { startIntake, type TestIntake } from './setup.ts'

let intake: TestIntake
beforeEach(async () => {
  intake = await startIntake()
})
afterEach(() => intake.remove())

const line = (fields: object = {}): object => ({
  timestamp: new Date().toISOString(),
  event: 'http.request',
  status_code: 200,
  latency_ms: 5,
  ...fields,
})

const record = (fields: object = {}, attributes: Readonly<Record<string, unknown>> = {}): object => ({
  timeUnixNano: `${Date.now()}000000`,
  severityNumber: 9,
  body: { stringValue: 'answered' },
  attributes: Object.entries({ 'http.response.status_code': { intValue: '200' }, ...attributes }).map(
    ([key, value]) => ({ key, value }),
  ),
  ...fields,
})
const batch = (...logRecords: readonly unknown[]): object => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }] },
      scopeLogs: [{ scope: { name: 's' }, logRecords }],
    },
  ],
})

describe('lines that are sent', () => {
  it('are a source like a file: counted, judged, listed and found by their trace', async () => {
    const answer = await intake.lines(
      line({ service: 'shop', trace_id: 't1' }),
      line({ status_code: 503, trace_id: 't2' }),
    )
    expect(answer).toMatchObject({ status: 200, json: { read: 2, recognised: 2 } })
    expect(intake.summary).toMatchObject({
      requests: 2,
      by_service: { shop: { requests: 1 }, intake: { server_errors: 1 } },
      files: [{ path: 'intake', state: 'reading', format: 'escudo', read: 2, requests: 2 }],
    })
    const health = healthOf(intake.files, Date.now())
    expect(health.services).toMatchObject([{ name: 'intake' }, { name: 'shop', state: 'healthy' }])
    expect(intake.files.journal.tail.items).toHaveLength(2)
    expect((await readTrace(intake.files, 't1')).lines).toMatchObject([{ service: 'shop', status_code: 200 }])
  })

  it('are complete lines, however a sender ends them', async () => {
    const text = JSON.stringify(line())
    for (const end of ['', '\n', '\r\n', '\n\n']) await intake.send('/lines', text + end)
    expect(intake.summary).toMatchObject({ requests: 4, lines: { read: 4, malformed: 0 } })
  })

  it('are read in any format, compressed or not', async () => {
    const access = '::1 - - [28/Nov/2026:14:00:00 +0000] "GET /o HTTP/1.1" 404 12\n'
    await intake.send('/lines', gzipSync(access.repeat(100)), { 'content-encoding': 'gzip' })
    await intake.send('/lines?_msg_field=event', access, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(intake.summary).toMatchObject({ requests: 101, client_errors: 101, files: [{ format: 'common' }] })
  })

  it('do not mix with those of other senders', async () => {
    const sent = Array.from({ length: 16 }, (_, at) =>
      intake.lines(...Array.from({ length: 500 }, (__, number) => line({ trace_id: `t${at}-${number}` }))),
    )
    for (const { status } of await Promise.all(sent)) expect(status).toBe(200)
    expect(intake.summary).toMatchObject({ requests: 8_000, lines: { read: 8_000, malformed: 0 } })
    for (const trace of ['t0-0', 't7-499', 't15-250'])
      expect((await readTrace(intake.files, trace)).lines).toHaveLength(1)
  })
})

describe('OTLP/JSON logs', () => {
  it('are counted by the service of their resource', async () => {
    const answer = await intake.otlp(batch(record({ traceId: 'abc' }), record()))
    expect(answer).toMatchObject({ status: 200, json: {} })
    expect(Object.keys(answer.json)).toEqual([])
    expect(intake.summary).toMatchObject({ requests: 2, by_service: { cart: { requests: 2 } } })
    expect((await readTrace(intake.files, 'abc')).lines).toMatchObject([{ service: 'cart', message: 'answered' }])
  })

  it('may be pretty-printed, compressed and longer than a line may be', async () => {
    const text = 'x'.repeat(5_000)
    const pretty = JSON.stringify(
      batch(...Array.from({ length: 600 }, () => record({ body: { stringValue: text } }))),
      null,
      2,
    )
    expect(pretty.length).toBeGreaterThan(3_000_000)
    const type = { 'content-type': 'application/json; charset=utf-8', 'content-encoding': 'gzip' }
    expect((await intake.send('/v1/logs', gzipSync(pretty), type)).status).toBe(200)
    expect(intake.summary).toMatchObject({ requests: 600, lines: { malformed: 0 } })
  })

  it('that are empty are a success', async () => {
    for (const body of [{}, { resourceLogs: [] }, { resourceLogs: [{ scopeLogs: [{}] }] }])
      expect(await intake.otlp(body)).toMatchObject({ status: 200, json: {} })
    expect(intake.summary.lines.read).toBe(0)
  })

  it('are taken in part if some records cannot be read', async () => {
    const long = record({ body: { stringValue: 'x'.repeat(300_000) } })
    const { status, json } = await intake.otlp(batch(record(), null, long, 7, record()))
    expect(status).toBe(200)
    expect(json).toEqual({ partialSuccess: { rejectedLogRecords: '3', errorMessage: 'a log record is no object' } })
    expect(intake.summary.requests).toBe(2)
  })

  it.each([
    ['{', 400, 'not valid JSON'],
    ['[]', 400, 'no JSON object'],
    ['{"resourceLogs":{}}', 400, 'resourceLogs is no list'],
    ['{"resourceLogs":[1]}', 400, 'resourceLogs[0] is no object'],
    ['{"resourceLogs":[{"scopeLogs":[{"logRecords":{}}]}]}', 400, 'resourceLogs[0].scopeLogs[0].logRecords is no list'],
    [
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}]}]}`,
      400,
      'too deeply',
    ],
  ])('of %.40s are refused with the reason', async (body, status, message) => {
    const answer = await intake.otlp(body)
    expect(answer.status).toBe(status)
    expect(answer.json['message']).toContain(message)
    expect(intake.summary.lines.read).toBe(0)
  })

  it('as protobuf are refused, and the answer says how to send JSON', async () => {
    const answer = await intake.send('/v1/logs', 'x', { 'content-type': 'application/x-protobuf' })
    expect(answer).toMatchObject({ status: 415 })
    expect(answer.json['message']).toContain('OTEL_EXPORTER_OTLP_PROTOCOL=http/json')
  })
})

describe('a request that cannot be answered with success', () => {
  const bomb = gzipSync(Buffer.alloc(BODY_BYTES_MAX + 1, 'x'))

  it.each([
    ['an empty body', '/lines', '', {}, 400, 'no lines'],
    ['blank lines', '/lines', ' \n\r\n', {}, 400, 'no lines'],
    ['text of no known format', '/lines', 'hello\nworld', {}, 400, 'text of an unknown format'],
    ['a JSON array', '/lines', '[{"status":200}]', {}, 400, 'JSON array'],
    ['broken gzip', '/lines', 'oops', { 'content-encoding': 'gzip' }, 400, 'not valid gzip'],
    [
      'gzip that was cut off',
      '/lines',
      gzipSync('a long text').subarray(0, 15),
      { 'content-encoding': 'gzip' },
      400,
      'gzip',
    ],
    ['gzip of too much', '/lines', bomb, { 'content-encoding': 'gzip' }, 413, 'at most'],
    ['a body that is too long', '/lines', Buffer.alloc(BODY_BYTES_MAX + 1, 'x'), {}, 413, 'at most'],
    ['another encoding', '/lines', 'x', { 'content-encoding': 'br' }, 415, 'gzip'],
    ['another path', '/v1/traces', 'x', {}, 404, '/v1/logs'],
  ])('because of %s says why', async (_, path, body, headers, status, message) => {
    const answer = await intake.send(path, body, headers as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(answer.json['message']).toContain(message)
    expect(intake.summary.requests).toBe(0)
    await intake.lines(line())
    expect(intake.summary.requests).toBe(1)
  })

  it('because of its method says which one is right', async () => {
    const answer = await intake.send('/lines', '', {}, 'GET')
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  })

  it('because of a body without end says so before its end', async () => {
    const socket = connect(intake.port, '127.0.0.1')
    socket.write(`POST /lines HTTP/1.1\r\nHost: localhost:${intake.port}\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const chunk = `100000\r\n${'x'.repeat(1_048_576)}\r\n`
    for (let sent = 0; sent < 10; sent += 1) socket.write(chunk)
    const answer = await new Promise((resolve) => socket.once('data', resolve))
    expect(String(answer)).toContain('413')
    socket.destroy()
  })

  it('because too many are open asks to try again', async () => {
    const head = `POST /lines HTTP/1.1\r\nHost: localhost:${intake.port}\r\nContent-Length: 100\r\n\r\n{`
    const open = Array.from({ length: 16 }, () => connect(intake.port, '127.0.0.1').on('error', () => {}))
    for (const socket of open) socket.write(head)
    let answer = await intake.lines(line())
    while (answer.status === 200) answer = await intake.lines(line())
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    for (const socket of open) socket.destroy()
    while (answer.status !== 200) answer = await intake.lines(line())
  })

  it('because its sender is gone adds nothing', async () => {
    const socket = connect(intake.port, '127.0.0.1')
    const text = `${JSON.stringify(line())}\n`
    socket.write(
      `POST /lines HTTP/1.1\r\nHost: localhost:${intake.port}\r\nContent-Length: ${text.length * 2}\r\n\r\n${text}`,
    )
    await new Promise<void>((resolve) => socket.end(() => resolve()))
    socket.destroy()
    expect((await intake.lines(line())).status).toBe(200)
    expect(intake.summary.requests).toBe(1)
  })
})

describe('guards', () => {
  it('refuse the Host header of another server', async () => {
    for (const host of ['evil.example', `evil.example:${intake.port}`, `localhost:${intake.port + 1}`])
      expect((await intake.send('/lines', JSON.stringify(line()), { host })).status).toBe(403)
    expect((await intake.send('/lines', JSON.stringify(line()), { host: `LOCALHOST:${intake.port}` })).status).toBe(200)
    expect(intake.summary.requests).toBe(1)
  })

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('refuse a browser: %j', async (headers) => {
    const answer = await intake.send('/lines', JSON.stringify(line()), { 'content-type': 'text/plain', ...headers })
    expect(answer.status).toBe(403)
    expect((await intake.send('/lines', '', headers, 'OPTIONS')).status).toBe(403)
    expect(intake.summary.requests).toBe(0)
  })

  it('ask for the token where there is one, whatever the host is called', async () => {
    const guarded = await startIntake('a-token-of-32-characters-0123456', '0.0.0.0')
    try {
      const text = JSON.stringify(line())
      for (const authorization of ['', 'Bearer', 'Bearer a-token', 'Basic a-token-of-32-characters-0123456'])
        expect(await guarded.send('/lines', text, { authorization })).toMatchObject({
          status: 401,
          headers: { 'www-authenticate': 'Bearer' },
        })
      const right = { authorization: 'Bearer a-token-of-32-characters-0123456', host: 'dashboard.internal' }
      expect((await guarded.send('/lines', text, right)).status).toBe(200)
      expect((await guarded.send('/lines', text, { ...right, origin: 'https://x' })).status).toBe(403)
      expect(guarded.summary.requests).toBe(1)
    } finally {
      await guarded.remove()
    }
  })
})

it('answers 503 when it ends, and keeps what it answered with success', async () => {
  await intake.lines(line())
  await intake.files.end()
  const answer = await intake.lines(line())
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  expect(intake.summary).toMatchObject({ requests: 1, files: [{ state: 'read' }] })
})
