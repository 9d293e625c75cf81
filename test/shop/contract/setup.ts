import { resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { linesOf } from '../helpers/logs.ts'
import { ROOT } from '../helpers/processes.ts'
import { ask, listening } from '../helpers/requests.ts'
import { restore } from '../helpers/restore.ts'
import { cleanUp, startSystem } from '../helpers/system.ts'
import { NAMES, type Name, PORT_VARIABLES, type Target } from '../helpers/target.ts'

const DEFAULT_PORTS: Readonly<Record<Name, number>> = {
  'potion-shop': 8000,
  'flaky-service': 9000,
  'product-service': 9001,
  'inventory-service': 9002,
  dashboard: 8501,
}

/** The rates that the contract fixes, whatever the environment of the user sets. */
const SETTINGS = {
  ESCUDO_SEED: '4',
  ESCUDO_USERS_FAIL_RATE: '0.1',
  ESCUDO_FAKE_SERVICE_FAIL_RATE: '0.7',
  ESCUDO_UNSTABLE_FAIL_RATE: '0.5',
}

/**
 * Provides the shop of the run: the one that listens on the ports of `npm start`, otherwise a new one on free ports.
 *
 * The variables of `npm start` move the ports and the log folder.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const running = await runningTarget()
  const target = running ?? (await startTarget())
  const { ports, logFolder } = target
  const shop = `the shop at http://localhost:${ports['potion-shop']}, logs in ${logFolder}`
  console.log(running === undefined ? `contract: started ${shop}` : `contract: checks ${shop}`)
  provide('runningShop', { ports, logFolder })
  return async () => {
    await restore(target)
    await cleanUp()
  }
}

/** Finds a running shop; undefined if none of its processes answers. */
async function runningTarget(): Promise<Target | undefined> {
  const ports = Object.fromEntries(NAMES.map((name) => [name, portOf(name)])) as Record<Name, number>
  const answers = await Promise.all(NAMES.map((name) => listening(ports[name])))
  const missing = NAMES.filter((_, index) => answers[index] === false)
  if (missing.length === NAMES.length) return undefined
  if (missing.length > 0) {
    const named = missing.map((name) => `${name} (${PORT_VARIABLES[name]}=${ports[name]})`).join(', ')
    throw new Error(`the shop is running without ${named}; start it with npm start, or move its port`)
  }
  const target = { ports, logFolder: resolve(ROOT, process.env['ESCUDO_LOG_DIR'] ?? 'logs') }
  const { headers } = await ask(target, 'potion-shop', '/')
  await linesOf(target, 'potion-shop', headers.get('x-trace-id') ?? '').catch(() => {
    throw new Error(`the running shop does not log to ${target.logFolder}; set ESCUDO_LOG_DIR to its log folder`)
  })
  return target
}

async function startTarget(): Promise<Target> {
  const system = await startSystem(SETTINGS)
  // Vitest ends without teardown on some signals, and when its output is closed.
  process.once('exit', () => system.supervisor.send('SIGTERM'))
  return system
}

function portOf(name: Name): number {
  const port = Number(process.env[PORT_VARIABLES[name]] ?? DEFAULT_PORTS[name])
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${PORT_VARIABLES[name]} must be a port`)
  return port
}
