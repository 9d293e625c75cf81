import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { askPort } from '../shop/helpers/requests.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { type Dashboard, requestLine, startDashboard } from './helpers/dashboard.ts'

const LINES = 1_000_000

let dashboard: Dashboard | undefined
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  await dashboard?.remove()
})

test.skipIf(isSkipped)(
  'shows a line within two seconds while a log of a million lines is being read',
  { timeout: 120_000 },
  async () => {
    opened = await open('about:blank')
    const { page } = opened
    dashboard = await startDashboard((log) => writeLog(log, LINES))
    const { port, log, url } = dashboard
    await page.goto(`${url}?lang=en`)
    await page.locator('progress').waitFor({ timeout: 5_000 })
    await appendFile(log, requestLine({ path: '/appended', status_code: 500, error_code: 'FRESH', trace_id: 'fresh' }))
    await page.locator('#latest-errors', { hasText: 'FRESH' }).waitFor({ timeout: 2_000 })
    const newest = await search(port, 'latency:>400ms&limit=50')
    expect(newest.lines).toHaveLength(50)
    expect(newest.lines[0]).toMatchObject({ trace_id: 'trace-999999', latency_ms: 499 })
    // 30 ms when nothing else runs.
    expect(newest.ms).toBeLessThan(1_000)
    await page.locator('progress').waitFor({ state: 'detached', timeout: 60_000 })
    expect((await askPort(port, '/api/summary')).json.requests).toBe(LINES + 1)
    // A trace from the middle of the log is read back from the file.
    const trace = JSON.parse((await askPort(port, '/api/traces/trace-123456')).text) as { lines: unknown[] }
    expect(trace.lines).toHaveLength(1)
    // So is any other line.
    expect((await search(port, 'trace-123456')).lines).toMatchObject([{ trace_id: 'trace-123456' }])
    const status = await readFile(`/proc/${dashboard.process.pid}/status`, 'utf8')
    // All lines together are about 250 MB. The process must stay below that.
    expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(250_000)
  },
)

async function search(
  port: number,
  query: string,
): Promise<{ readonly lines: readonly object[]; readonly ms: number }> {
  const startedMs = performance.now()
  const { text } = await askPort(port, `/api/search?q=${query.replaceAll('>', '%3E')}`)
  const { lines } = JSON.parse(text) as { readonly lines: readonly object[] }
  return { lines, ms: performance.now() - startedMs }
}

async function writeLog(path: string, lines: number): Promise<void> {
  const file = createWriteStream(path)
  const start = Date.now() - lines
  for (let number = 0; number < lines; number += 1_000) {
    let text = ''
    for (let at = number; at < number + 1_000; at += 1) {
      text += requestLine({
        timestamp: new Date(start + at).toISOString(),
        trace_id: `trace-${at}`,
        latency_ms: at % 500,
        route: '/items/:id',
      })
    }
    if (!file.write(text)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
