import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAll, freePorts, type Running, startScript, until } from '../../shop/helpers/processes.ts'

/** A dashboard process that reads a log written by a test. */
export interface Dashboard {
  readonly url: string
  readonly port: number
  readonly log: string
  readonly process: Running
  readonly remove: () => Promise<void>
}

/** Starts a dashboard on a file that does not exist yet, unless `prepare` writes it. */
export async function startDashboard(prepare: (log: string) => Promise<void> = async () => {}): Promise<Dashboard> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-page-'))
  const log = join(folder, 'shop.jsonl')
  await prepare(log)
  const [port] = (await freePorts(1)) as [number]
  const process = startScript('packages/dashboard/src/bin.ts', ['--port', String(port), log], {})
  await until('the dashboard', () => process.stdout().includes('http://'))
  const remove = async (): Promise<void> => {
    await endAll()
    await rm(folder, { recursive: true })
  }
  return { url: `http://localhost:${port}/`, port, log, process, remove }
}

/** Returns a request as a log line with a newline. */
export function requestLine(fields: Readonly<Record<string, unknown>> = {}): string {
  const line = {
    timestamp: new Date().toISOString(),
    log_level: 'info',
    event: 'http.request',
    service: 'shop',
    method: 'GET',
    path: '/items/item1',
    status_code: 200,
    latency_ms: 2.5,
    ...fields,
  }
  return `${JSON.stringify(line)}\n`
}
