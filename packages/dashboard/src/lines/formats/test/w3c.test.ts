import { describe, expect, it } from 'vitest'
import { LineReader } from '../../reader/line-reader.ts'
import { readLines, readOne } from './setup.ts'

const AT = Date.UTC(2026, 10, 28, 14)
const IIS_HEAD = [
  '#Software: Microsoft Internet Information Services 10.0',
  '#Version: 1.0',
  '#Date: 2026-11-28 14:00:00',
  '#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken',
]
const IIS_LINE = '2026-11-28 14:00:00 10.0.0.1 GET /o/7 id=1 443 - 192.0.2.1 Mozilla/5.0+(X) - 503 0 64 1250'

describe('the extended format of W3C', () => {
  it('is read as IIS writes it', () => {
    expect(readLines([...IIS_HEAD.map((line) => `${line}\r`), `${IIS_LINE}\r`])).toMatchObject([
      {
        format: 'w3c',
        isRequest: true,
        at: AT,
        isLocalTime: false,
        method: 'GET',
        path: '/o/7',
        status: 503,
        latencyMs: 1_250,
      },
    ])
  })

  it('is read without directives, if the columns are those of IIS', () => {
    expect(readOne(IIS_LINE)).toMatchObject({ format: 'w3c', status: 503, latencyMs: 1_250 })
    expect(readOne(`${IIS_LINE} more`)).toMatchObject({ format: 'text', isRequest: false })
  })

  it('follows columns that change within a file', () => {
    const lines = [
      ...IIS_HEAD,
      IIS_LINE,
      '#Fields: time cs-method cs-uri-stem sc-status s-sitename',
      '14:00:01 POST /p 200 SHOP',
      '14:00:02 POST /p 404 SHOP',
    ]
    expect(readLines(lines)).toMatchObject([
      { status: 503 },
      { at: AT + 1_000, status: 200, method: 'POST', service: 'SHOP' },
      { at: AT + 2_000, status: 404, latencyMs: undefined },
    ])
  })

  it('is read as a content network writes it: with tabs, in seconds', () => {
    const fields = [
      'date',
      'time',
      'x-edge-location',
      'sc-bytes',
      'c-ip',
      'cs-method',
      'cs(Host)',
      'cs-uri-stem',
      'sc-status',
      'time-taken',
    ]
    const line = ['2026-11-28', '14:00:00', 'SFO5', '12', '192.0.2.1', 'GET', 'd.example', '/a.css', '200', '0.0125']
    expect(readLines(['#Version: 1.0', `#Fields: ${fields.join(' ')}`, line.join('\t')])).toMatchObject([
      { isRequest: true, status: 200, path: '/a.css', latencyMs: 12.5 },
    ])
  })

  it('leaves the unit of an integer in doubt, if the server is not known', () => {
    const reader = new LineReader()
    const [line] = readLines(['#Fields: date time sc-status time-taken', '2026-11-28 14:00:00 200 12'], reader)
    expect(line).toMatchObject({ isRequest: true, latencyMs: undefined })
    expect([...reader.context.judge.doubts.keys()]).toEqual(['time_taken'])
  })

  it('makes no request of lines that do not fit the columns', () => {
    const lines = [...IIS_HEAD, '2026-11-28 14:00:00 a b c d e f g h i j k l m', '# a comment = not a directive']
    const reader = new LineReader()
    const read = lines.map((line) => reader.read(line))
    expect(read.slice(0, 4)).toEqual([[], [], [], []])
    expect(read[4]).toMatchObject({ format: 'text' })
    expect(read[5]).toMatchObject({ reason: 'unknown-text' })
  })
})
