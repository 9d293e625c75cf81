import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { endAll, freePorts, type Running, startScript, until } from '../helpers/processes.ts'
import { askPort } from '../helpers/requests.ts'

// The dashboard as a separate program, with log files of any service.

const BIN = 'packages/dashboard/src/bin.ts'
const REQUEST = '{"timestamp":"2026-11-23T03:10:11","status_code":200,"latency_ms":2.5,"path":"/"}\n'
let folder: string
let log: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-bin-'))
  log = join(folder, 'api_logs.log')
})
afterEach(async () => {
  await endAll()
  await rm(folder, { recursive: true })
})
afterAll(endAll)

const once = async (...files: readonly string[]): Promise<Running> => {
  const process = startScript(BIN, ['--once', '--json', ...files], {})
  await process.exit
  return process
}

test('cmd: --once --json prints one summary of all files, including an unterminated last line', async () => {
  const second = join(folder, 'shop.jsonl')
  await writeFile(log, `${REQUEST}${REQUEST.replace('200', '500')}nope\n${REQUEST.trim().replace('2.5', '5.5')}`)
  await writeFile(second, '{"event":"http.request","service":"shop","status_code":404,"latency_ms":1}\n')
  const { stdout, exit } = await once(log, second, log)
  expect((await exit).code).toBe(0)
  expect(JSON.parse(stdout())).toMatchObject({
    requests: 4,
    client_errors: 1,
    server_errors: 1,
    latency_ms: { mean: (2.5 + 2.5 + 5.5 + 1) / 4 },
    by_status: { 200: 2, 404: 1, 500: 1 },
    by_service: { api_logs: { requests: 3 }, shop: { requests: 1 } },
    lines: { read: 5, malformed: 1 },
  })
})

test('cmd: --once fails with one line when a file cannot be read', async () => {
  for (const path of [log, folder]) {
    const { stderr, stdout, exit } = await once(path)
    expect((await exit).code).toBe(2)
    expect([stdout(), stderr()]).toEqual(['', `dashboard: cannot read ${path}\n`])
  }
})

test('4.9b: waits for a missing file, shows each line within a second, exits 0 on SIGTERM', async () => {
  const [port] = (await freePorts(1)) as [number]
  const dashboard = startScript(BIN, [log], { ESCUDO_DASHBOARD_PORT: String(port) })
  const summary = () => askPort(port, '/api/summary').catch(() => undefined)
  const first = await until('the dashboard', summary)
  expect(first.json).toMatchObject({ requests: 0, files: [{ state: 'waiting' }] })
  await until('the message that the file is missing', () =>
    dashboard.stdout().includes(`waiting for ${log}: it is not there yet\n`),
  )
  for (let count = 1; count <= 3; count += 1) {
    await appendFile(log, REQUEST)
    await until(`request ${count}`, async () => (await summary())?.json.requests === count, 1_000)
  }
  dashboard.send('SIGTERM')
  expect(await dashboard.exit).toEqual({ code: 0, signal: null })
  expect(dashboard.stderr()).toBe('')
})
