import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { instances, logDir, logEngine, ownDashboard, ports, rates, redisPort, seed } from '../process/known-settings.ts'
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
  instances,
  redisPort,
} as const

/** The values of {@link startSettings}. */
export type StartValues = Values<typeof startSettings>

/** The ports that must be free, each with its setting. */
export function wantedPorts(values: StartValues): readonly WantedPort[] {
  const names = ['flakyPort', 'productPort', 'inventoryPort', 'dashboardPort'] as const
  return [
    ...shopPorts(values).map((port, index) => ({ port, setting: startSettings.shopPort, instance: index + 1 })),
    ...names.map((name) => ({ port: values[name], setting: startSettings[name] })),
  ]
}

const PORTS_APART = 10

/** The ports of the instances of the shop. */
export function shopPorts({ shopPort, instances }: Pick<StartValues, 'shopPort' | 'instances'>): readonly number[] {
  return Array.from({ length: instances }, (_, index) => shopPort + index * PORTS_APART)
}

/** The processes of Node.js, dependencies first: five, and one more for each further instance of the shop. */
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
  const shop = (port: number, number: number): ChildSpec => {
    if (values.instances === 1) return service('potion-shop', '../shop/main.ts', port)
    const name = `potion-shop-${number}`
    const spec = service(name, '../shop/main.ts', port)
    return { ...spec, env: { ...spec.env, ESCUDO_SHOP_PORT: String(port), ESCUDO_INSTANCE: name } }
  }
  const services = [
    service('flaky-service', '../dependencies/flaky.ts', values.flakyPort),
    service('product-service', '../dependencies/product.ts', values.productPort),
    service('inventory-service', '../dependencies/inventory.ts', values.inventoryPort),
    ...shopPorts(values).map((port, index) => shop(port, index + 1)),
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
