import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../formats/test/setup.ts'
import type { LogLine } from '../../log-line.ts'
import { LineReader } from '../line-reader.ts'
import { exampleOf, Unread } from '../unread.ts'

const ISO = '2026-11-28T14:00:00.000Z'

/** A line of random JSON that uses the names of many loggers. */
const names = fc.constantFrom(
  'level',
  'time',
  'ts',
  'timestamp',
  '@timestamp',
  '@t',
  'msg',
  'message',
  'event',
  'status',
  'res',
  'req',
  'http',
  'dd',
  'ecs',
  'duration',
  'latency',
  'responseTime',
  'log',
  'stream',
  'MESSAGE',
  '__REALTIME_TIMESTAMP',
  'resourceLogs',
  'attributes',
  'body',
  'meta',
  'request',
  'httpRequest',
  'reqId',
  'err',
  'logger',
  'version',
  'host',
  'short_message',
  'instance',
  'pid',
  '__proto__',
  'constructor',
  'toString',
  'trace',
  'trace_id',
  'service',
  'context',
  'instant',
  'loggerName',
)
const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(ISO, '200', 'http.log.access', '{"a":1}', 'http.request', '12ms'),
)
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(names, tie('value'), { maxKeys: 8 }),
}))
const object = fc.dictionary(names, json, { maxKeys: 10 })

describe('hostile lines', () => {
  it('never make the reader throw, whatever JSON they are, and give only finite numbers', () => {
    const reader = new LineReader()
    fc.assert(
      fc.property(object, (fields) => {
        const read = reader.read(JSON.stringify(fields))
        if (read instanceof Unread) return
        for (const line of Array.isArray(read) ? read : [read]) {
          for (const number of [line.at, line.latencyMs, line.status, line.pid])
            expect(number === undefined || Number.isFinite(number)).toBe(true)
          for (const text of [
            line.service,
            line.message,
            line.level,
            line.traceId,
            line.spanId,
            line.path,
            line.method,
            line.errorCode,
            line.instance,
          ])
            expect(['string', 'undefined']).toContain(typeof text)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('never make the reader throw, whatever text they are', () => {
    const reader = new LineReader()
    const pieces = fc.constantFrom(
      ISO,
      ' stdout P ',
      ' stdout F ',
      ' | ',
      '{',
      '}',
      '"',
      '[',
      ']',
      '=',
      'a=b ',
      '\u0000',
      '\u001B[0m',
      '"GET / HTTP/1.1"',
      ' 200 ',
      '\\',
      ': ',
      '-',
      'Nov 28 14:00:00',
    )
    const text = fc
      .array(fc.oneof(pieces, fc.string({ maxLength: 20 })), { maxLength: 20 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (line) => {
        reader.read(line)
      }),
      { numRuns: 3_000 },
    )
  })

  it.each([
    ['quotes', '"'.repeat(500_000)],
    ['escapes', `::1 - - [28/Nov/2026:14:00:00 +0000] "${'\\"'.repeat(8_000)}`],
    ['spaces', `a${' '.repeat(500_000)}b`],
    ['spaces before a bar', `shop${' '.repeat(500_000)}x`],
    ['pairs', `${'a=b '.repeat(4_000)}"`],
    ['brackets', '['.repeat(500_000)],
    ['words', 'a '.repeat(250_000)],
    ['dates', `${ISO} `.repeat(20_000)],
    ['equal signs', '='.repeat(500_000)],
    ['syslog structure', `<165>1 ${ISO} h a 1 - ${'[a b="c"]'.repeat(50_000)}x`],
    ['open objects', '{"a":'.repeat(200_000)],
    ['open parts', `${ISO} stdout P `.repeat(20_000)],
  ])('of endless %s take little time', (_, line) => {
    const reader = new LineReader()
    const started = process.cpuUsage()
    for (let at = 0; at < 20; at += 1) reader.read(line)
    const { user } = process.cpuUsage(started)
    expect(user / 20).toBeLessThan(100_000)
  })

  it('that nest deeper than the stack are read or refused, but do not throw', () => {
    const deep = `{"timestamp":"${ISO}","message":"x","a":${'['.repeat(300_000)}${']'.repeat(300_000)}}`
    const wrapped = Array.from({ length: 12 }).reduce<string>(
      (inner) => JSON.stringify({ message: inner }),
      `{"timestamp":"${ISO}","status":200}`,
    )
    expect(() => new LineReader().read(deep)).not.toThrow()
    expect(() => new LineReader().read(wrapped)).not.toThrow()
  })

  it('with objects in place of texts and numbers are read without them', () => {
    const odd = { toString: 1, valueOf: {}, toJSON: null }
    const attributes = [
      { key: odd, value: odd },
      { key: 'a', value: { intValue: odd } },
      { key: 'b', value: { kvlistValue: { values: [{ key: odd }] } } },
    ]
    const lines = [
      { timestamp: ISO, log_level: 'info', event: 'x', instance: { host: odd, pid: odd, started_at: odd } },
      {
        timestamp: ISO,
        message: 'x',
        instance: odd,
        pid: odd,
        trace_id: odd,
        status: odd,
        duration: odd,
        traceparent: odd,
      },
      { timeUnixNano: '1795874400000000000', body: odd, attributes },
      {
        resourceLogs: [
          odd,
          { resource: odd, scopeLogs: odd },
          { resource: { attributes }, scopeLogs: [odd, { logRecords: [odd] }] },
        ],
      },
      { log: 'x\n', stream: 'stdout', time: odd, kubernetes: odd },
      { __REALTIME_TIMESTAMP: odd, MESSAGE: [odd, 1e9, 'x'], PRIORITY: odd },
      { level: 30, time: 1_795_874_400_000, reqId: odd, req: odd, res: odd, err: odd, msg: 'x' },
    ]
    for (const line of lines) expect(() => new LineReader().read(JSON.stringify(line))).not.toThrow()
  })

  it('do not reach the prototype of objects', () => {
    readLines([
      `{"timestamp":"${ISO}","message":"x","__proto__":{"status":500,"polluted":true},"meta":{"__proto__":{"polluted":true}}}`,
    ])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    const [line] = readLines([`{"timestamp":"${ISO}","message":"x","__proto__":{"status":500}}`])
    expect(line?.status).toBeUndefined()
  })

  it('of any number of shapes leave only bounded memory', () => {
    const reader = new LineReader()
    for (let at = 0; at < 20_000; at += 1) {
      reader.read(`{"timestamp":"${ISO}","k${at}":1,"status":200,"path":"/","duration":${at}}`)
      reader.read(`{"level":30,"time":1795874400000,"reqId":"r${at}","msg":"incoming request","req":{"url":"/"}}`)
    }
    expect(reader.context.judge.doubts.size).toBe(1)
    // Of the requests that no line ended, the newest are remembered.
    const pathOf = (number: number): string | undefined => {
      const read = reader.read(
        `{"level":30,"time":1795874400000,"reqId":"r${number}","msg":"request completed","res":{"statusCode":200},"responseTime":1}`,
      )
      return (read as LogLine).path
    }
    expect([pathOf(19_999), pathOf(0)]).toEqual(['/', undefined])
  })

  it('that never end in their stream are given up before they fill the memory', () => {
    const reader = new LineReader()
    const part = `${ISO} stdout P ${'x'.repeat(16_000)}`
    const read = Array.from({ length: 100 }, () => reader.read(part))
    const tooLong = read.findIndex((result) => result instanceof Unread && result.reason === 'too-long')
    expect(tooLong).toBeGreaterThan(50)
    expect(tooLong).toBeLessThan(70)
  })
})

describe('a file that changes its format', () => {
  it('keeps the requests of before and after, and the units of both', () => {
    const before = Array.from({ length: 300 }, (_, at) => ({
      time: ISO,
      level: 'INFO',
      msg: 'request',
      status: 200,
      duration: 12_500_000 + at,
    }))
    const after = Array.from({ length: 300 }, () => ({
      level: 'info',
      ts: 1_795_874_400.5,
      caller: 'm.go:1',
      msg: 'req',
      status: 200,
      duration: 0.0125,
    }))
    const read = readLines([
      ...before,
      ...after,
      { level: 30, time: 1_795_874_400_000, res: { statusCode: 200 }, responseTime: 12.5, msg: 'x' },
    ])
    expect(read.filter(({ isRequest }) => isRequest)).toHaveLength(601)
    for (const { latencyMs } of read) expect(latencyMs).toBeCloseTo(12.5, 2)
  })
})

describe('exampleOf', () => {
  it('makes control characters, invisible ones and changes of direction visible', () => {
    expect(exampleOf('a\u0000b\u001B[31m\u202Ec\u200Bd\u0085')).toBe('a␀b␛[31m\\u202ec\\u200bd\\u0085')
  })

  it('is bounded and well-formed wherever it is cut', () => {
    expect(exampleOf('💥'.repeat(1_000)).length).toBeLessThanOrEqual(201)
    expect(exampleOf('x💥'.repeat(1_000)).isWellFormed()).toBe(true)
  })
})
