import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from 'escudo'
import { ports, rates, seed } from '../process/known-settings.ts'
import type { Setting, Values } from '../process/settings.ts'
import type { ChildSpec } from './child.ts'
import type { WantedPort } from './ports.ts'

/** The settings of `npm start`. */
export const startSettings = {
  shopPort: ports.shop,
  flakyPort: ports.flaky,
  productPort: ports.product,
  inventoryPort: ports.inventory,
  dashboardPort: ports.dashboard,
  usersFailRate: rates.users,
  fakeServiceFailRate: rates.fakeService,
  unstableFailRate: rates.unstable,
  seed,
  logDir: {
    flag: 'log-dir',
    env: 'ESCUDO_LOG_DIR',
    fallback: 'logs',
    help: 'the folder of the log files',
    takes: 'a path',
    parse: (text) => (text.includes('\0') ? undefined : text),
  } satisfies Setting<string> as Setting<string>,
} as const

/** The values of {@link startSettings}. */
export type StartValues = Values<typeof startSettings>

/** The ports that must be free, each with its setting. */
export function wantedPorts(values: StartValues): readonly WantedPort[] {
  return [
    { port: values.shopPort, setting: ports.shop },
    { port: values.flakyPort, setting: ports.flaky },
    { port: values.productPort, setting: ports.product },
    { port: values.inventoryPort, setting: ports.inventory },
    { port: values.dashboardPort, setting: ports.dashboard },
  ]
}

/** The five processes, dependencies first. */
export function processes(values: StartValues): readonly ChildSpec[] {
  const dependencies = [
    service('flaky-service', '../dependencies/flaky.ts', values.flakyPort),
    service('product-service', '../dependencies/product.ts', values.productPort),
    service('inventory-service', '../dependencies/inventory.ts', values.inventoryPort),
    service('potion-shop', '../shop/main.ts', values.shopPort),
  ]
  const environment = settingsAsEnvironment(values)
  const random = values.seed === undefined ? undefined : seededRandom(values.seed)
  const services = dependencies.map((spec) => {
    const env: Record<string, string> = { ...environment, ESCUDO_LOG_FILE: logFileOf(values, spec.name) }
    // A separate seed for each service: with the same one, all would fail in step.
    if (random !== undefined) env['ESCUDO_SEED'] = String(Math.floor(random() * 2 ** 32))
    return { ...spec, env }
  })
  const logs = services.map((spec) => logFileOf(values, spec.name))
  const page = fileURLToPath(new URL('../../../../packages/dashboard/src/bin.ts', import.meta.url))
  const args = ['--import', crashPolicy(values, 'dashboard'), page, '--port', String(values.dashboardPort), ...logs]
  return [...services, { name: 'dashboard', args, env: {}, port: values.dashboardPort }]
}

/** Adds the crash policy of the services to another program. */
function crashPolicy(values: StartValues, name: string): string {
  const preload = new URL('../process/crash-preload.ts', import.meta.url)
  preload.search = String(new URLSearchParams({ service: name, log: logFileOf(values, name) }))
  return preload.href
}

function service(name: string, script: string, port: number): ChildSpec {
  return { name, args: [fileURLToPath(new URL(script, import.meta.url))], env: {}, port }
}

function logFileOf(values: StartValues, name: string): string {
  return resolve(values.logDir, `${name}.jsonl`)
}

/** Passes the settings of the supervisor to the processes as environment variables. */
function settingsAsEnvironment(values: StartValues): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, setting] of Object.entries(startSettings)) {
    const value = values[name as keyof StartValues]
    if (value !== undefined) environment[setting.env] = String(value)
  }
  return environment
}
