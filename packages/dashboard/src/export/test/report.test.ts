import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogFiles } from '../../journal/log-files.ts'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { CSV_NAMES, csvTable } from '../csv-tables.ts'
import { reportHtml } from '../report-html.ts'
import { shownNow, wholeRange } from '../shown.ts'
import { writeReport } from '../write-report.ts'

const HOSTILE = `</style><script>alert(1)</script><img src="https://evil.example/x" onerror='x'>&"'`

let folder: string
let files: LogFiles
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-report-'))
})
afterEach(async () => {
  await files.end()
  await rm(folder, { recursive: true })
})

async function readLines(lines: readonly object[]): Promise<void> {
  const log = join(folder, 'shop.jsonl')
  await writeFile(log, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  files = new LogFiles([log])
  await files.readAll()
}

const at = (ago: number): string => new Date(Date.now() - ago * 1_000).toISOString()
const request = (ago: number, fields: object): object => ({
  timestamp: at(ago),
  event: 'http.request',
  service: 'shop',
  path: '/items/1',
  latency_ms: 3,
  status_code: 200,
  ...fields,
})
const breaker = { event: 'circuit_breaker.state_change', service: 'shop', policy: 'circuitBreaker' }

describe('the report', () => {
  it('says the verdict, and has the tables and charts of the page', async () => {
    const failed = { status_code: 503, error_code: 'DATABASE_DOWN', service: 'inventory', latency_ms: 80 }
    await readLines([
      ...Array.from({ length: 20 }, (_, index) => request(50 - index, {})),
      ...Array.from({ length: 20 }, (_, index) => request(30 - index, failed)),
      { timestamp: at(9), ...breaker, shield: 'inventory', from: 'closed', to: 'open', reason: 'half of them failed' },
    ])
    const path = join(folder, 'report.html')
    await writeReport(files, { report: path, language: 'en', thresholds: DEFAULT_THRESHOLDS })
    const text = await readFile(path, 'utf8')
    expect(text).toMatch(/<section class="verdict failing">.*inventory has been failing since/)
    expect(text).toMatch(/<dd class="value">40<\/dd>/)
    expect(text).toMatch(/DATABASE_DOWN.*half of them failed|half of them failed.*DATABASE_DOWN/s)
    expect(text.match(/<svg class="chart"/g)).toHaveLength(2)
    expect(text.match(/<rect class="server"/g)?.length).toBeGreaterThan(1)
    expect(text).toContain('<rect class="open"')
    expect(text).not.toMatch(/<script|<link|<img|NaN|undefined/)
  })

  it('shows texts of the log as texts, and allows nothing but its own style', async () => {
    await readLines([
      request(5, { service: HOSTILE, path: `/${HOSTILE}`, status_code: 500, error_code: HOSTILE, message: HOSTILE }),
      { timestamp: at(4), ...breaker, service: HOSTILE, shield: HOSTILE, from: 'closed', to: HOSTILE, reason: HOSTILE },
    ])
    const shown = shownNow(files, wholeRange(files), DEFAULT_THRESHOLDS)
    const text = reportHtml(shown, 'es', Date.now())
    expect(text).toContain('&lt;script&gt;alert(1)')
    expect(text).not.toMatch(/<script|<img|\son\w+="/)
    expect(text.match(/<\/style>/g)).toHaveLength(1)
    expect(text).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/)
  })

  it('of files without a request says what was read', async () => {
    await readLines([{ hello: 'world' }])
    const text = reportHtml(shownNow(files, wholeRange(files), DEFAULT_THRESHOLDS), 'en', Date.now())
    expect(text).toMatch(/verdict waiting.*1 line.*shop\.jsonl/s)
    expect(text).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('covers a log of years with its last weeks', async () => {
    await readLines([request(3 * 365 * 86_400, {}), request(3_600, { status_code: 500 })])
    const text = reportHtml(shownNow(files, wholeRange(files), DEFAULT_THRESHOLDS), 'en', Date.now())
    expect(text).not.toMatch(/NaN|Infinity/)
    expect(text).toMatch(/<dd class="value">1<\/dd>/)
  })
})

describe('the tables', () => {
  it('are exported as CSV, without formulas of the log', async () => {
    const service = '=HYPERLINK("https://evil.example")'
    await readLines([
      request(5, { service, status_code: 500, error_code: '@x', message: '-1' }),
      { timestamp: at(4), ...breaker, shield: '+stock', from: 'closed', to: 'open', failures: 1, calls: 2 },
    ])
    const shown = shownNow(files, 300, DEFAULT_THRESHOLDS)
    const tables = new Map(CSV_NAMES.map((name) => [name, csvTable(name, shown) ?? '']))
    for (const text of tables.values()) expect(text).not.toMatch(/(^|,|\n)"?[=+@-]/)
    expect(tables.get('services')).toContain(`"'=HYPERLINK(""https://evil.example"")"`)
    expect(tables.get('services')?.split('\r\n')[1]).toMatch(/,1,0,1,3.011,3.011,3.011$/)
    expect(tables.get('routes')).toContain('/items/{id},1,0,1')
    expect(tables.get('errors')).toMatch(/,'@x,technical,('-[^,]*)?,false,1,/)
    expect(tables.get('breakers')).toMatch(/shop,'\+stock,circuitBreaker,\S+Z,closed,open,,1,2,,/)
    expect(tables.get('requests')).toMatch(/^time,below_400.*\r\n.*Z,0,0,1,3.011,3.011,3.011,3,0\r\n$/)
    expect(csvTable('toString', shown)).toBeUndefined()
  })
})
