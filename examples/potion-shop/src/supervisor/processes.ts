import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { logDir, logEngine, ownDashboard, ports, rates, seed } from '../process/known-settings.ts'
import type { Values } from '../process/settings.ts'
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
  logDir,
  logEngine,
  ownDashboard,
} as const

/** The values of {@link startSettings}. */
export type StartValues = Values<typeof startSettings>

/** The ports that must be free, each with its setting. */
export function wantedPorts(values: StartValues): readonly WantedPort[] {
  const names = ['shopPort', 'flakyPort', 'productPort', 'inventoryPort', 'dashboardPort'] as const
  return names.map((name) => ({ port: values[name], setting: startSettings[name] }))
}

/** The five processes, dependencies first. */
export async function processes(values: StartValues): Promise<readonly ChildSpec[]> {
  // Imported only for a seed: without the library, the supervisor starts its processes sooner.
  const random = values.seed === undefined ? undefined : (await import('escudo')).seededRandom(values.seed)
  const cache = compileCache(process.env)
  const flags = memoryFlags(process.env)
  const logOf = (name: string): string => resolve(values.logDir, `${name}.jsonl`)
  const service = (name: string, script: string, port: number): ChildSpec => {
    const env: Record<string, string> = { ...cache, ...settingsAsEnvironment(values), ESCUDO_LOG_FILE: logOf(name) }
    // A separate seed for each service: with the same one, all would fail in step.
    if (random !== undefined) env['ESCUDO_SEED'] = String(Math.floor(random() * 2 ** 32))
    return { name, args: [...flags, pathOf(script)], env, port }
  }
  const services = [
    service('flaky-service', '../dependencies/flaky.ts', values.flakyPort),
    service('product-service', '../dependencies/product.ts', values.productPort),
    service('inventory-service', '../dependencies/inventory.ts', values.inventoryPort),
    service('potion-shop', '../shop/main.ts', values.shopPort),
  ]
  // Adds the crash policy of the services to the dashboard.
  const preload = new URL('../process/crash-preload.ts', import.meta.url)
  preload.search = String(new URLSearchParams({ service: 'dashboard', log: logOf('dashboard') }))
  const page = pathOf('../../../../packages/dashboard/src/bin.ts')
  const logs = services.map(({ name }) => logOf(name))
  const args = ['--import', preload.href, page, '--port', String(values.dashboardPort), ...logs]
  return [...services, { name: 'dashboard', args, env: cache, port: values.dashboardPort }]
}

/**
 * Lets Node keep compiled modules between starts, the TypeScript sources included: the shop answers in half the time.
 *
 * Empty if the environment says something else, and while coverage is measured, which cached code makes imprecise.
 */
export function compileCache(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const names = ['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE', 'NODE_V8_COVERAGE']
  if (names.some((name) => environment[name] !== undefined)) return {}
  return { NODE_COMPILE_CACHE: pathOf('../../../../node_modules/.cache/potion-shop') }
}

/**
 * Bounds the memory that Node keeps for new objects, of which a service needs little: it keeps nothing between requests.
 *
 * Under load, V8 lets this memory grow to several times that of all other objects, to collect less often. With the
 * bound, a request costs about a microsecond more. Empty if `NODE_OPTIONS` has such a bound, which the flag would replace.
 */
export function memoryFlags(environment: NodeJS.ProcessEnv): readonly string[] {
  return /(max|min)[-_]semi[-_]space/.test(environment['NODE_OPTIONS'] ?? '') ? [] : ['--max-semi-space-size=16']
}

function pathOf(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url))
}

/** Passes the settings of the supervisor to the processes as environment variables. */
function settingsAsEnvironment(values: StartValues): Record<string, string> {
  const set = Object.entries(startSettings).map(([name, { env }]) => [env, values[name as keyof StartValues]] as const)
  return Object.fromEntries(set.flatMap(([env, value]) => (value === undefined ? [] : [[env, String(value)]])))
}
