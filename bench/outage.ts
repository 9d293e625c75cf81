// `npm run outage`: a dependency is down for a minute, at 200 requests a second. Prints what the log says about it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

type Line = Readonly<Record<string, unknown>>

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    port: { type: 'string', default: '8090' },
  },
})
const [rate, seconds, port] = [values.rate, values.seconds, values.port].map(Number) as [number, number, number]
const TICK_MS = 50
const BEFORE_MS = 5_000
const AFTER_MS = 20_000

const agent = new Agent({ keepAlive: true, maxSockets: 200 })
const statuses = new Map<number, number>()

/** Sends requests at an even rate. */
async function load(forMs: number): Promise<void> {
  const startedMs = performance.now()
  let sent = 0
  while (performance.now() - startedMs < forMs) {
    const due = ((performance.now() - startedMs) * rate) / 1_000
    for (; sent < due; sent += 1) send()
    await delay(TICK_MS)
  }
}

function send(): void {
  const sent = request({ host: '127.0.0.1', port, path: '/product/mana-potion', agent }, (response) => {
    const status = response.statusCode ?? 0
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    response.resume()
  })
  sent.on('error', () => statuses.set(0, (statuses.get(0) ?? 0) + 1))
  sent.end()
}

async function startDependency(): Promise<Server> {
  const server = createServer((_, response) => response.end('{"stock":42}'))
  await once(server.listen(port + 1), 'listening')
  return server
}

async function stopDependency(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

/** A table of how many lines each event has, by level. */
function table(lines: readonly Line[]): string {
  const rows = new Map<string, number>()
  for (const { event, log_level } of lines) {
    const row = `| ${log_level} | \`${event}\` |`
    rows.set(row, (rows.get(row) ?? 0) + 1)
  }
  const sorted = [...rows].sort(([, one], [, other]) => other - one)
  return [
    '| level | event | lines |',
    '| --- | --- | --: |',
    ...sorted.map(([row, count]) => `${row} ${count} |`),
  ].join('\n')
}

/** The lines that tell the story: the first and the last two of each event above debug, without the requests. */
function story(lines: readonly Line[]): string {
  const told = lines.filter(({ event, log_level }) => event !== 'http.request' && log_level !== 'debug')
  return told
    .filter((line) => {
      const same = told.filter(({ event }) => event === line['event'])
      const index = same.indexOf(line)
      return index < 2 || index >= same.length - 2
    })
    .map((line) => JSON.stringify(line))
    .join('\n')
}

const folder = await mkdtemp(join(tmpdir(), 'escudo-outage-'))
const file = join(folder, 'shop.jsonl')
const script = fileURLToPath(new URL('outage/service.ts', import.meta.url))
let dependency = await startDependency()
const service = spawn(process.execPath, ['--conditions=@escudo/source', script, String(port), String(port + 1), file], {
  stdio: 'inherit',
})
try {
  while (!(await readFile(file, 'utf8').catch(() => '')).includes('istening')) {
    if (service.exitCode !== null) throw new Error(`the service did not start: exit code ${service.exitCode}`)
    await delay(50)
  }
  await load(BEFORE_MS)
  await stopDependency(dependency)
  const downAt = new Date().toISOString()
  await load(seconds * 1_000)
  dependency = await startDependency()
  const upAt = new Date().toISOString()
  await load(AFTER_MS)
  service.kill('SIGTERM')
  await once(service, 'exit')
  const lines = (await readFile(file, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
  const bytes = (await readFile(file)).length
  process.stdout.write(`down from ${downAt} to ${upAt}; answers: ${JSON.stringify(Object.fromEntries(statuses))}\n`)
  process.stdout.write(
    `${lines.length} lines, ${Math.round(bytes / 1_024)} KiB\n\n${table(lines)}\n\n${story(lines)}\n`,
  )
} finally {
  service.kill('SIGKILL')
  agent.destroy()
  await stopDependency(dependency).catch(() => {})
  await rm(folder, { recursive: true, force: true })
}
