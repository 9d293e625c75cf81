import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { declared } from '../../lines/formats/declared.ts'
import type { Declared } from '../../lines/formats/line-of.ts'
import type { FileJson } from '../../report/files-json.ts'
import { readTrace } from '../../report/read-trace.ts'
import { summarize } from '../../report/summary.ts'
import { FileFacts } from '../file-facts.ts'
import { LogFiles } from '../log-files.ts'

let folder: string
let path: string
let files: LogFiles | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-facts-'))
  path = join(folder, 'shop.log')
})
afterEach(async () => {
  await files?.end()
  files = undefined
  await rm(folder, { recursive: true })
})

async function factsOf(content: string | Buffer, declaration?: Declared): Promise<FileJson | undefined> {
  await writeFile(path, content)
  files = new LogFiles([path], declaration)
  await files.readAll()
  return summarize(files).files[0]
}

const ISO = '2026-11-28T14:00:00.000Z'
const json = (fields: object): string => `${JSON.stringify(fields)}\n`
const pretty = (count: number): string =>
  `${JSON.stringify({ timestamp: ISO, status: 200, a: { b: 1 } }, null, 2)}\n`.repeat(count)

describe('what the panel of a file says', () => {
  it('names UTF-16 with and without a mark for what it is', async () => {
    const text = json({ timestamp: ISO, status: 200 }).repeat(3)
    for (const bytes of [
      Buffer.from(`\uFEFF${text}`, 'utf16le'),
      Buffer.from(text, 'utf16le'),
      Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
    ]) {
      expect(await factsOf(bytes)).toMatchObject({ format: 'UTF-16', recognised: 0, unread: { reason: 'utf-16' } })
      await files?.end()
    }
  })

  it.each([
    ['pretty-printed JSON', pretty(3), 'pretty-json', 'jq -c .'],
    ['JSON array', `[\n${`{"timestamp":"${ISO}","status":200},\n`.repeat(3)}]\n`, 'json-array', "jq -c '.[]'"],
    ['binary', Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7_919) % 256)), 'binary', 'binary'],
  ])('names %s for what it is', async (format, content, reason, hint) => {
    const facts = await factsOf(content)
    expect(facts).toMatchObject({ format, requests: 0, unread: { reason } })
    expect(facts?.unread?.hint).toContain(hint)
    expect(facts?.hints.join()).toContain(hint)
  })

  it('shows an empty file as nothing read', async () => {
    expect(await factsOf('')).toMatchObject({ format: null, read: 0, unread: null, hints: [] })
  })

  it('says of text in an unknown format what it is and what to do', async () => {
    const facts = await factsOf(`${json({ timestamp: ISO, status: 200 })}${'hello \u0000 world\n'.repeat(2_000)}`)
    expect(facts).toMatchObject({ format: 'json', read: 2_001, recognised: 1, malformed: 2_000 })
    expect(facts?.unread).toMatchObject({ example: 'hello ␀ world', reason: 'unknown-text', lines: 2_000 })
    expect(facts?.hints.join()).toContain('--format')
  })

  it.each([
    [1, '1 line is text of an unknown format'],
    [2, '2 lines are text of an unknown format'],
  ])('counts %i unread lines in plain English', async (count, hint) => {
    expect((await factsOf('hello world\n'.repeat(count)))?.hints.join()).toContain(hint)
  })

  it('says that lines were read and none of them is a request', async () => {
    const facts = await factsOf(json({ level: 30, time: Date.now(), pid: 1, hostname: 'h', msg: 'x' }).repeat(5))
    expect(facts).toMatchObject({ format: 'pino', read: 5, recognised: 5, requests: 0 })
    expect(facts?.hints.join()).toContain('--field status=')
  })

  it('counts lines of a format whose fields are unknown as unread, not as malformed', async () => {
    expect(await factsOf(json({ when: 'now', what: 1 }))).toMatchObject({
      malformed: 0,
      recognised: 0,
      unread: { reason: 'no-known-field' },
    })
  })

  it('names the flag that settles a doubtful unit, and the flag does', async () => {
    const lines = json({ timestamp: ISO, level: 'info', message: 'x', status: 200, duration: 12_500 }).repeat(3)
    const facts = await factsOf(lines)
    expect(facts).toMatchObject({ requests: 3 })
    expect(summarize(files as LogFiles).latency_ms.mean).toBeNull()
    expect(facts?.hints).toEqual([expect.stringContaining('--field latency=duration:ms')])
    await files?.end()
    const settled = await factsOf(lines, declared(undefined, ['latency=duration:us']) as Declared)
    expect(settled?.hints).toEqual([])
    expect(summarize(files as LogFiles).latency_ms.mean).toBe(12.5)
  })

  it('decides the unit before it counts, whatever the order of the lines is', async () => {
    const doubtful = json({ path: '/d', duration: 14, status: 200, time: ISO, method: 'GET' })
    const certain = json({ path: '/d', duration: 14, response_code: 200, start_time: ISO, method: 'GET' })
    expect((await factsOf(doubtful + certain))?.hints).toEqual([])
    expect(summarize(files as LogFiles).latency_ms.mean).toBe(14)
    expect(files?.journal.named.total.latency.total).toBe(2)
  })

  it('reads fields and formats as they are declared', async () => {
    const odd = json({ when: ISO, who: 'cart', outcome: { code: '503' }, spent: 7, what: 'x' })
    const fields = ['time=when', 'service=who', 'status=outcome.code', 'latency=spent:ms', 'message=what']
    await factsOf(odd, declared(undefined, fields) as Declared)
    expect(summarize(files as LogFiles)).toMatchObject({
      requests: 1,
      by_status: { 503: 1 },
      latency_ms: { mean: 7 },
      by_service: { cart: { requests: 1 } },
    })
    await files?.end()
    const doubtful = json({ time: ISO, level: 'INFO', msg: 'x', status: 200, duration: 900 })
    expect(await factsOf(doubtful, declared('zerolog', []) as Declared)).toMatchObject({
      format: 'zerolog',
      requests: 1,
    })
    expect(summarize(files as LogFiles).latency_ms.mean).toBe(900)
    await files?.end()
    expect(await factsOf('GET /o 200 5 ms - 9\nnot so\n', declared('morgan', []) as Declared)).toMatchObject({
      requests: 1,
      unread: { reason: 'not-as-declared' },
    })
  })

  it('reads declared fields also in lines of escudo', async () => {
    const own = json({
      timestamp: ISO,
      log_level: 'info',
      event: 'http.request',
      status_code: 200,
      latency_ms: 5,
      wait: 9,
    })
    await factsOf(own, declared(undefined, ['latency=wait:ms']) as Declared)
    expect(summarize(files as LogFiles)).toMatchObject({ requests: 1, latency_ms: { mean: 9 } })
  })

  it('counts lines ahead of the clock at their time, and reports them', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toISOString()
    expect(
      await factsOf(json({ timestamp: ahead, status: 200 }) + json({ timestamp: ISO, status: 200 })),
    ).toMatchObject({ ahead: 1, untimed: 0, requests: 2 })
  })

  it('measures lines per second over the last ten seconds', () => {
    const facts = new FileFacts()
    for (let at = 0; at < 50; at += 1) facts.addLine(1_000_000 + at * 100)
    expect(facts.linesPerSecond(1_004_900)).toBe(5)
    expect(facts.linesPerSecond(1_012_000)).toBe(2)
    expect(facts.linesPerSecond(1_100_000)).toBe(0)
  })
})

describe('traces in other formats', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'

  it('are found in JSON, text, wrappers and batches, with canonical names', async () => {
    const lines = [
      json({
        time: Date.UTC(2026, 10, 28, 14),
        level: 30,
        pid: 1,
        hostname: 'h',
        name: 'cart',
        msg: 'one',
        trace_id: trace,
        res: { statusCode: 200 },
        responseTime: 4,
      }),
      json({
        '@timestamp': '2026-11-28T14:00:01Z',
        log: { level: 'ERROR' },
        ecs: { version: '8' },
        trace: { id: trace },
        message: 'two',
        service: { name: 'shop' },
      }),
      `time=2026-11-28T14:00:02Z level=INFO msg=three status=500 duration=3ms trace_id=${trace}\n`,
      json({
        log: `{"timestamp":"2026-11-28T14:00:03Z","msg":"four","traceparent":"00-${trace}-00f067aa0ba902b7-01"}\n`,
        stream: 'stdout',
        time: ISO,
      }),
      json({
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: [
                  { timeUnixNano: '1795874404000000000', traceId: trace, body: { stringValue: 'five' } },
                  { traceId: 'other' },
                ],
              },
            ],
          },
        ],
      }),
      `2026-11-28T14:00:05Z stdout P {"timestamp":"2026-11-28T14:00:05Z","msg":"six","trace_id":"${trace.slice(0, 9)}\n`,
      `2026-11-28T14:00:05Z stdout F ${trace.slice(9)}"}\n`,
      json({ timestamp: ISO, trace_id: 'unrelated', message: trace }),
    ]
    await factsOf(lines.join(''))
    const found = await readTrace(files as LogFiles, trace)
    expect(found.lines.map((line) => line['message'] ?? line['msg'])).toEqual([
      'one',
      'two',
      'three',
      'four',
      'five',
      'six',
    ])
    expect(found.lines[0]).toMatchObject({
      timestamp: ISO,
      service: 'cart',
      log_level: 'info',
      status_code: 200,
      latency_ms: 4,
      msg: 'one',
    })
    expect(found.lines[1]).toMatchObject({
      timestamp: '2026-11-28T14:00:01.000Z',
      service: 'shop',
      log_level: 'error',
      trace_id: trace,
    })
    expect(found.lines[2]).toMatchObject({ status_code: 500, latency_ms: 3, service: 'shop' })
    expect(found.lines[3]).toMatchObject({ parent_span_id: '00f067aa0ba902b7' })
  })

  it.each([
    ['forwards', 6_000],
    ['from its end', 12_000],
  ])('are found in split lines wherever a block ends of a file that is read %s', async (_, count) => {
    const parts: string[] = []
    const nearBlockEnds: number[] = []
    let bytes = 0
    for (let at = 0; at < count; at += 1) {
      const note = 'x'.repeat(300 + (at % 97))
      const line = JSON.stringify({ timestamp: ISO, event: 'http.request', status_code: 200, trace_id: `t${at}`, note })
      const cut = 20 + (at % 200)
      const text = `${ISO} stdout P ${line.slice(0, cut)}\n${ISO} stdout P ${line.slice(cut, cut + 40)}\n${ISO} stdout F ${line.slice(cut + 40)}\n`
      parts.push(text)
      const [before, after] = [bytes, bytes + text.length].map((end) => Math.floor(end / 1_048_576))
      if (before !== after) nearBlockEnds.push(at - 1, at, at + 1)
      bytes += text.length
    }
    const facts = await factsOf(parts.join(''))
    expect(facts).toMatchObject({ read: 3 * count, recognised: 3 * count, requests: count, unread: null })
    for (const at of [0, 777, ...nearBlockEnds.filter((near) => near < count)])
      expect((await readTrace(files as LogFiles, `t${at}`)).lines).toHaveLength(1)
  })

  it('with a line that JSON cannot write are shown without what is too deep', async () => {
    await factsOf(
      `{"timestamp":"${ISO}","trace_id":"deep","message":"x","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`,
    )
    const found = await readTrace(files as LogFiles, 'deep')
    expect(() => JSON.stringify(found)).not.toThrow()
    expect(found.lines).toMatchObject([{ message: 'x' }])
  })
})

describe('access logs of IIS', () => {
  const head = `#Software: Microsoft Internet Information Services 10.0\r\n#Fields: time date sc-status time-taken s-ip${' x'.repeat(60)}\r\n`

  it('are read with the columns of their first lines, also when a large file is read from its end', async () => {
    const line = `14:00:00 2026-11-28 200 40 10.0.0.1${' -'.repeat(60)}\r\n`
    const count = Math.ceil(6_000_000 / line.length)
    const facts = await factsOf(head + line.repeat(count))
    expect(facts).toMatchObject({ format: 'w3c', requests: count, unread: null })
    expect(summarize(files as LogFiles).latency_ms.mean).toBe(40)
  })

  it('are of the site that their folder names', async () => {
    await mkdir(join(folder, 'W3SVC1'))
    path = join(folder, 'W3SVC1', 'u_ex261128.log')
    await factsOf(`${head}14:00:00 2026-11-28 200 40 10.0.0.1${' -'.repeat(60)}\r\n`)
    expect(Object.keys(summarize(files as LogFiles).by_service)).toEqual(['W3SVC1'])
  })
})

it('keeps reading a live file after lines that it does not recognise', async () => {
  await factsOf('oops\n')
  await appendFile(path, json({ timestamp: ISO, status: 200 }))
  await files?.poll()
  expect(summarize(files as LogFiles)).toMatchObject({ requests: 1, lines: { read: 2, malformed: 1 } })
})
