import { describe, expect, it } from 'vitest'
import { isHealthCheck } from '../../../counts/watch/health-check.ts'
import { hashOf } from '../../../traces/trace-filter.ts'
import type { LogLine } from '../../log-line.ts'
import { LineReader } from '../../reader/line-reader.ts'
import { Unread } from '../../reader/unread.ts'
import { routeOf } from '../../route-of.ts'
import { LineScanner } from '../line-scanner.ts'
import { FAILURES_MAX, KIND_BUSINESS, KIND_TECHNICAL } from '../scanned-failures.ts'
import {
  HAS_PARENT,
  HAS_SPAN,
  HAS_TRACE,
  IS_CRITICAL,
  IS_DEGRADED,
  IS_FAILED,
  IS_PROBE,
  ScannedLines,
} from '../scanned-lines.ts'
import { SLACK_BYTES } from '../words.ts'
import { OddLines } from './odd-lines.ts'

// A million by command: ESCUDO_SCANNED_LINES=1000000 npm test -- packages/dashboard/src/lines/scan
const LINES = Number(process.env['ESCUDO_SCANNED_LINES'] ?? 60_000)
const BATCH = 500

const scanner = new LineScanner()
const lines = new ScannedLines()

const KINDS = new Map([
  [KIND_BUSINESS, 'business'],
  [KIND_TECHNICAL, 'technical'],
])

/** What a row says, under the names of a line. */
function rowOf(row: number, bytes: Buffer = Buffer.alloc(0)): object {
  const { names } = scanner
  const flags = lines.flags[row] ?? 0
  const latencyMs = lines.latencies[row] ?? 0
  const nameIn = (texts: readonly string[], number = 0): string | undefined =>
    number === 0 ? undefined : texts[number - 1]
  const hashIf = (flag: number, hash = 0): number | undefined => ((flags & flag) === 0 ? undefined : hash)
  return {
    at: lines.ats[row],
    service: nameIn(names.services.texts, lines.services[row]),
    instance: nameIn(names.instances.texts, lines.instances[row]),
    route: nameIn(names.routes.texts, lines.routes[row]),
    status: lines.statuses[row],
    latencyMs: Number.isNaN(latencyMs) ? undefined : latencyMs,
    trace: hashIf(HAS_TRACE, lines.traces[row]),
    span: hashIf(HAS_SPAN, lines.spans[row]),
    parent: hashIf(HAS_PARENT, lines.parents[row]),
    degraded: (flags & IS_DEGRADED) !== 0,
    isCritical: (flags & IS_CRITICAL) !== 0,
    isProbe: (flags & IS_PROBE) !== 0,
    failure: (flags & IS_FAILED) === 0 ? undefined : failureOf(row, bytes),
  }
}

/** What is known of a failed request, besides. */
function failureOf(row: number, bytes: Buffer): object {
  const { failures } = lines
  const before = lines.flags.subarray(0, row).filter((flags) => (flags & IS_FAILED) !== 0).length
  const textAt = (starts: Int32Array, ends: Int32Array): string | undefined =>
    ends[before] === 0 ? undefined : bytes.toString('utf8', starts[before], ends[before])
  const code = failures.codes[before] ?? 0
  return {
    code: code === 0 ? undefined : scanner.names.codes.texts[code - 1],
    kind: KINDS.get(failures.kinds[before] ?? 0),
    message: textAt(failures.messageStarts, failures.messageEnds),
    path: textAt(failures.pathStarts, failures.pathEnds),
    trace: textAt(failures.traceStarts, failures.traceEnds),
    span: textAt(failures.spanStarts, failures.spanEnds),
  }
}

/** The same of a line that the general reader read. */
function factsOf(line: LogLine): object {
  const hash = (id: string | undefined): number | undefined => (id === undefined ? undefined : hashOf(id))
  return {
    at: line.at,
    service: line.service,
    instance: line.instance,
    route: routeOf(line),
    status: line.status,
    latencyMs: line.latencyMs,
    trace: hash(line.traceId),
    span: hash(line.spanId),
    parent: hash(line.parentSpanId),
    degraded: line.degraded,
    isCritical: line.level === 'critical',
    isProbe: isHealthCheck(line.route ?? line.path),
    failure:
      (line.status ?? 0) < 400
        ? undefined
        : {
            code: line.errorCode,
            kind: line.errorKind === 'business' || line.errorKind === 'technical' ? line.errorKind : undefined,
            message: line.message,
            path: line.path ?? line.route,
            trace: line.traceId,
            span: line.spanId,
          },
  }
}

const NEWLINE = Buffer.from('\n')

/** The scanner looks beyond the bytes. */
function withSlack(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(SLACK_BYTES)]).subarray(0, bytes.length)
}

function scanned(line: string | Buffer): number {
  const bytes = withSlack(Buffer.concat([Buffer.from(line), NEWLINE]))
  scanner.scan(bytes, 0, bytes.length - 1, lines)
  return lines.count
}

const USUAL =
  '{"log_level":"info","timestamp":"2026-11-28T19:41:16.474Z","service":"potion-shop","trace_id":"34b1c9378e9ef2dce4acc44538263220","span_id":"67a219fc0fdb96d0","method":"GET","route":"/healthz","path":"/healthz","status_code":200,"latency_ms":8.26,"event":"http.request"}'

/** A failed request whose line has one more field. */
function failed(key: string, value: string): string {
  return USUAL.replace('200', '503').replace('"method"', `${key}:${value},"method"`)
}

describe('the line scanner', () => {
  it.each([1, 2, 3])(
    'reads what it reads as the general reader does, on odd lines (seed %i)',
    { timeout: 300_000 },
    (seed) => {
      const reader = new LineReader()
      const odd = new OddLines(seed)
      let rows = 0
      for (let done = 0; done < LINES / 3; done += BATCH) {
        const batch = Array.from({ length: BATCH }, () => odd.next())
        const bytes = withSlack(Buffer.concat(batch.flatMap((line) => [line, NEWLINE])))
        for (let from = 0; from < bytes.length; ) {
          from = scanner.scan(bytes, from, bytes.length - 1, lines) + 1
          rows += lines.count
          for (let row = 0; row < lines.count; row += 1) {
            const text = bytes.toString('utf8', lines.starts[row], lines.ends[row])
            const line = reader.read(text)
            if (line instanceof Unread || Array.isArray(line)) expect(text).toBe('a line that is read')
            const read = line as LogLine
            if (!read.isRequest || read.format !== 'escudo') expect(text).toBe('a request in escudo’s format')
            const [found, wanted] = [rowOf(row, bytes), factsOf(read)]
            // A comparison of texts is several times faster than `toEqual`.
            if (JSON.stringify(found) !== JSON.stringify(wanted))
              expect({ text, ...found }).toEqual({ text, ...wanted })
          }
        }
      }
      // Odd as they are, more than a few must be scanned, or nothing was compared.
      expect(rows).toBeGreaterThan(LINES / 3 / 10)
    },
  )

  it('scans the lines of the shop', () => {
    expect(scanned(USUAL)).toBe(1)
    expect(rowOf(0)).toMatchObject({ service: 'potion-shop', route: '/healthz', status: 200, latencyMs: 8.26 })
  })

  it('reads no time from NUL bytes at the very beginning', () => {
    const fresh = new LineScanner()
    for (const byte of ['\u0000', '\n']) {
      const text = USUAL.replace('2026-11-28T19:41', byte.repeat(16))
      const bytes = withSlack(Buffer.from(`${text}\n`))
      fresh.scan(bytes, 0, bytes.length - 1, lines)
      expect(lines.count).toBe(0)
    }
  })

  it('scans lines whose spaces differ from those of the line before', () => {
    const fresh = new LineScanner()
    const scan = (line: string): number => {
      const bytes = withSlack(Buffer.from(`${line}\n`))
      fresh.scan(bytes, 0, bytes.length - 1, lines)
      return lines.count
    }
    const spaced = USUAL.replaceAll(',"', ', "').replaceAll('":', '": ')
    const nulls = USUAL.replace('"GET"', 'null').replace('"/healthz"', 'null')
    for (const before of [USUAL, spaced, nulls, USUAL.replaceAll('":', '":\t'), USUAL.replace('8.26', 'null')])
      for (const line of [USUAL, spaced, nulls]) {
        scan(before)
        expect([before, line, scan(line)]).toEqual([before, line, 1])
      }
  })

  it.each([
    ['an escape in a needed value', USUAL.replace('potion-shop', 'potion\\u002dshop')],
    ['an escape in a key', USUAL.replace('service', 's\\u0065rvice')],
    ['a nested value', USUAL.replace('"potion-shop"', '{"name":"potion-shop"}')],
    ['a known key twice', USUAL.replace('"method":"GET"', '"service":"other"')],
    ['a number with an exponent', USUAL.replace('8.26', '8.26e1')],
    ['a number with more digits than are exact', USUAL.replace('8.26', '8.2612345678901234')],
    ['a number that JSON does not know', USUAL.replace('8.26', '08.26')],
    ['invalid UTF-8 in a needed value', Buffer.from(USUAL.replace('potion', '\u00ff'), 'latin1')],
    ['a NUL', USUAL.replace('potion', '\u0000')],
    ['an error code that is shortened', failed('"error_code"', `"${'C'.repeat(101)}"`)],
    ['an error code with an escape', failed('"error_code"', '"A\\u0042"')],
    ['a message with an escape', failed('"message"', '"a \\"b\\""')],
    ['two messages with one name', failed('"detail"', '"a","detail":"b"')],
    ['another event', USUAL.replace('http.request', 'http_error')],
    ['a line that goes on after its object', `${USUAL}{}`],
    ['a line that is cut off', USUAL.slice(0, -1)],
  ])('leaves %s to the general reader', (_, line) => {
    expect(scanned(line)).toBe(0)
  })

  it('leaves lines at the very end of the memory to the general reader', () => {
    const text = `${USUAL}\n${USUAL}\n`
    const bytes = new Uint8Array(text.length)
    bytes.set(Buffer.from(text))
    expect(scanner.scan(Buffer.from(bytes.buffer), 0, text.length - 1, lines)).toBe(text.length - 1)
    expect(lines.count).toBe(1)
  })

  it('scans failed requests with what their lines say about the error', () => {
    const line = failed('"message"', '"no connection – later"')
      .replace('"method"', '"error_code":"UPSTREAM_ERROR","error_kind":"technical","detail":"Falló","method"')
      .replace('"route":"/healthz",', '')
    const bytes = withSlack(Buffer.from(`${USUAL}\n${line}\n${USUAL}\n`))
    scanner.scan(bytes, 0, bytes.length - 1, lines)
    expect(lines.count).toBe(3)
    expect(lines.failures.count).toBe(1)
    expect(rowOf(1, bytes)).toMatchObject({
      status: 503,
      failure: {
        code: 'UPSTREAM_ERROR',
        kind: 'technical',
        message: 'Falló',
        path: '/healthz',
        trace: '34b1c9378e9ef2dce4acc44538263220',
        span: '67a219fc0fdb96d0',
      },
    })
  })

  it('forgets the error of a line at the next one', () => {
    const [first, second] = [failed('"detail"', '"a","error_code":"A","error_kind":"business"'), failed('"x"', '1')]
    const bytes = withSlack(Buffer.from(`${first}\n${second}\n`))
    scanner.scan(bytes, 0, bytes.length - 1, lines)
    expect(rowOf(0, bytes)).toMatchObject({ failure: { code: 'A', kind: 'business', message: 'a' } })
    expect(rowOf(1, bytes)).toMatchObject({ failure: { code: undefined, kind: undefined, message: undefined } })
  })

  it('ends a scan if there is no room for another failed request', () => {
    const line = `${failed('"x"', '1')}\n`
    const bytes = withSlack(Buffer.from(line.repeat(FAILURES_MAX + 2)))
    const end = scanner.scan(bytes, 0, bytes.length - 1, lines)
    expect(end).toBe(FAILURES_MAX * line.length)
    expect(lines.count).toBe(FAILURES_MAX)
    expect(scanner.scan(bytes, end, bytes.length - 1, lines)).toBe(bytes.length - 1)
    expect(lines.count).toBe(2)
  })

  it('goes on after lines in doubt', () => {
    const bytes = withSlack(Buffer.from(`${USUAL}\nnope\n\n${USUAL}\n[1]\n${USUAL}\n`))
    expect(scanner.scan(bytes, 0, bytes.length - 1, lines)).toBe(bytes.length - 1)
    expect(lines.count).toBe(3)
  })
})
