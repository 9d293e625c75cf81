import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_NAMES, SERVICES, type Service } from '../wire/request.ts'
import { send } from '../wire/send.ts'
import { CannotWalk } from './cannot-walk.ts'
import { freePorts } from './free-ports.ts'
import { LogReader } from './log-reader.ts'
import { endedWithin, type Program, startScript } from './program.ts'
import { pidIn, type Target } from './target.ts'

const START = 'examples/potion-shop/src/start.ts'
const READY_WITHIN_MS = 40_000
const STOP_WITHIN_MS = 12_000
const POLL_MS = 50
const LINES_SHOWN = 20

/** The environment variable for the port of each process. */
export const PORT_VARIABLES: Readonly<Record<Service, string>> = {
  shop: 'ESCUDO_SHOP_PORT',
  flaky: 'ESCUDO_FLAKY_PORT',
  product: 'ESCUDO_PRODUCT_PORT',
  inventory: 'ESCUDO_INVENTORY_PORT',
  dashboard: 'ESCUDO_DASHBOARD_PORT',
}

/** The settings that the contract fixes. They override the user's environment. */
const CONTRACT_ENVIRONMENT: Readonly<Record<string, string>> = {
  ESCUDO_SEED: '4',
  ESCUDO_USERS_FAIL_RATE: '0.1',
  ESCUDO_FAKE_SERVICE_FAIL_RATE: '0.7',
  ESCUDO_UNSTABLE_FAIL_RATE: '0.5',
  // The shop's default is a minute, too long for this check.
  ESCUDO_REQUEST_TIMEOUT_MS: '5000',
}

/**
 * Starts all five processes on free ports, with their logs in a temporary folder, and waits until each answers.
 *
 * @throws CannotWalk if they do not become ready
 */
export async function startOwnShop(signal: AbortSignal): Promise<Target> {
  const free = await freePorts(SERVICES.length)
  const ports = Object.fromEntries(SERVICES.map((service, index) => [service, free[index]])) as Record<Service, number>
  const folder = await mkdtemp(join(tmpdir(), 'escudo-contract-'))
  const portVariables = SERVICES.map((service) => [PORT_VARIABLES[service], String(ports[service])])
  const env = { ...CONTRACT_ENVIRONMENT, ...Object.fromEntries(portVariables), ESCUDO_LOG_DIR: folder }
  const program = startScript(START, [], env)
  const stop = async () => {
    program.child.kill('SIGTERM')
    return await endedWithin(program, STOP_WITHIN_MS)
  }
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await untilReady(program, ports, signal)
  } catch (error) {
    await stop()
    await remove()
    throw error
  }
  const startAgain = (extra: Readonly<Record<string, string>>) =>
    endedWithin(startScript(START, [], { ...env, ...extra }), STOP_WITHIN_MS)
  return {
    ports,
    logs: logsIn(folder),
    pid: async (service) => (await pidFromHealth(ports[service])) ?? printedPid(program.stdout(), service),
    own: { env, startAgain, stop, remove },
  }
}

/** Creates a log reader for each service that has a log. */
export function logsIn(folder: string): Readonly<Partial<Record<Service, LogReader>>> {
  const withLogs = SERVICES.filter((service) => service !== 'dashboard')
  return Object.fromEntries(
    withLogs.map((service) => [service, new LogReader(join(folder, `${SERVICE_NAMES[service]}.jsonl`))]),
  )
}

/** Returns the process id in the readiness answer of a service. */
export async function pidFromHealth(port: number): Promise<number | undefined> {
  const answer = await send(port, { to: 'shop', method: 'GET', path: '/healthz', headers: {} }, 1_000)
  return pidIn(answer.json)
}

/** Returns the last process id that the start script has printed: `name … (process 123)`, `name …, process 123`. */
export function printedPid(output: string, service: Service): number | undefined {
  const lines = output.split('\n').filter((line) => line.trimStart().startsWith(`${SERVICE_NAMES[service]} `))
  const ids = lines.flatMap((line) => [...line.matchAll(/\bprocess (\d+)\b/g)].map((match) => Number(match[1])))
  return pidIn({ pid: ids.at(-1) })
}

async function untilReady(program: Program, ports: Target['ports'], signal: AbortSignal): Promise<void> {
  const end = performance.now() + READY_WITHIN_MS
  let over = false
  void program.ended.then(() => {
    over = true
  })
  let waiting: readonly Service[] = SERVICES
  while (waiting.length > 0) {
    await delay(POLL_MS)
    if (signal.aborted) throw new CannotWalk('stopped')
    if (over) throw new CannotWalk(`the shop ended while it started:\n${lastLines(program)}`)
    if (performance.now() > end)
      throw new CannotWalk(`no answer after ${READY_WITHIN_MS} ms from ${waiting.join(', ')}`)
    waiting = await notReady(waiting, ports)
  }
}

function lastLines(program: Program): string {
  return `${program.stdout()}${program.stderr()}`.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n')
}

/** Returns the services whose readiness check does not answer 200 yet. */
export async function notReady(services: readonly Service[], ports: Target['ports']): Promise<readonly Service[]> {
  const answers = await Promise.all(
    services.map((service) =>
      send(ports[service], { to: service, method: 'GET', path: '/healthz', headers: {} }, 1_000),
    ),
  )
  return services.filter((_, index) => answers[index]?.status !== 200)
}
