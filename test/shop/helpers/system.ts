import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAll, freePorts, type Running, startScript, until } from './processes.ts'

/** The names of the five processes. */
export const NAMES = ['potion-shop', 'flaky-service', 'product-service', 'inventory-service', 'dashboard'] as const
export type Name = (typeof NAMES)[number]

/** A line of a log. */
export type Line = Readonly<Record<string, unknown>>

/** The running example, on free ports and with its own log folder. */
export interface System {
  readonly supervisor: Running
  readonly ports: Readonly<Record<Name, number>>
  readonly logFolder: string
  readonly env: Readonly<Record<string, string>>
}

const folders: string[] = []

/** Creates the supervisor's environment: free ports and a log folder, so that test files do not interfere. */
export async function environment(extra: Readonly<Record<string, string>> = {}): Promise<Omit<System, 'supervisor'>> {
  const [shop, flaky, product, inventory, dashboard] = (await freePorts(5)) as [number, number, number, number, number]
  const logFolder = await mkdtemp(join(tmpdir(), 'escudo-shop-'))
  folders.push(logFolder)
  const env = {
    ESCUDO_SHOP_PORT: String(shop),
    ESCUDO_FLAKY_PORT: String(flaky),
    ESCUDO_PRODUCT_PORT: String(product),
    ESCUDO_INVENTORY_PORT: String(inventory),
    ESCUDO_DASHBOARD_PORT: String(dashboard),
    ESCUDO_LOG_DIR: logFolder,
    ...extra,
  }
  const ports = {
    'potion-shop': shop,
    'flaky-service': flaky,
    'product-service': product,
    'inventory-service': inventory,
    dashboard,
  }
  return { ports, logFolder, env }
}

/** Starts all five processes and waits until the supervisor prints its menu. */
export async function startSystem(extra: Readonly<Record<string, string>> = {}): Promise<System> {
  const { ports, logFolder, env } = await environment(extra)
  const supervisor = startScript('examples/potion-shop/src/start.ts', [], env)
  await untilUp(supervisor)
  return { supervisor, ports, logFolder, env }
}

/** Waits for the menu of the supervisor; fails with its output if it ends first. */
export async function untilUp(supervisor: Running): Promise<void> {
  let ended = false
  void supervisor.exit.then(() => {
    ended = true
  })
  await until(
    'the menu',
    () => {
      if (ended) throw new Error(`the supervisor ended: ${supervisor.stdout()}${supervisor.stderr()}`)
      return supervisor.stdout().includes('Ctrl-C stops')
    },
    30_000,
  )
}

/** Stops the supervisor, which stops the rest. */
export async function stopSystem(system: System): Promise<void> {
  system.supervisor.send('SIGTERM')
  await system.supervisor.exit
}

/** Ends all processes that still run and removes the logs. */
export async function cleanUp(): Promise<void> {
  await endAll()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
}

/** Reads the latest process id of each process from the output of the supervisor. */
export function pidsOf(supervisor: Running): Readonly<Record<Name, number>> {
  const matches = [...supervisor.stdout().matchAll(/^\s*(\S+) .*process (\d+)/gm)]
  return Object.fromEntries(matches.map(([, name, pid]) => [name, Number(pid)])) as Record<Name, number>
}

/** Reads the log of a service so far; throws if a line is not JSON. */
export async function readLog(logFolder: string, name: Name): Promise<readonly Line[]> {
  const text = await readFile(join(logFolder, `${name}.jsonl`), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** Returns the lines of one trace in the log of a service; waits for a line that satisfies `isAwaited`. */
export function linesOf(
  system: System,
  name: Name,
  traceId: string,
  isAwaited: (line: Line) => boolean = (line) => line['event'] === 'http.request',
): Promise<readonly Line[]> {
  return until(
    `lines of trace ${traceId} in ${name}`,
    async () => {
      const lines = (await readLog(system.logFolder, name)).filter((line) => line['trace_id'] === traceId)
      return lines.some(isAwaited) ? lines : undefined
    },
    2_000,
  )
}
