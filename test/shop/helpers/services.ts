import { logPath } from './logs.ts'
import { type Running, startScript, until } from './processes.ts'
import { askPort } from './requests.ts'
import { runningShop } from './running-shop.ts'
import { environment } from './system.ts'
import type { Name, Target } from './target.ts'

/** The shop and its dependencies. */
export const SERVICES = ['potion-shop', 'flaky-service', 'product-service', 'inventory-service'] as const
export type Service = (typeof SERVICES)[number]

const SCRIPTS: Readonly<Record<Service, string>> = {
  'potion-shop': 'examples/potion-shop/src/shop/main.ts',
  'flaky-service': 'examples/potion-shop/src/dependencies/flaky.ts',
  'product-service': 'examples/potion-shop/src/dependencies/product.ts',
  'inventory-service': 'examples/potion-shop/src/dependencies/inventory.ts',
}

/** The services without their supervisor: a killed service stays down until the test starts it again. */
export interface Services extends Target {
  /** Starts a service and waits until it answers. */
  readonly start: (service: Service) => Promise<Running>
  /** The script of a service and its environment with all the ports, to start it in another way. */
  readonly script: (service: Service) => { readonly path: string; readonly env: Readonly<Record<string, string>> }
}

/** Reserves ports and a log folder for the services; starts nothing. */
export async function services(extra: Readonly<Record<string, string>> = {}): Promise<Services> {
  const target = await environment(extra)
  const script: Services['script'] = (service) => ({
    path: SCRIPTS[service],
    env: { ...target.env, ESCUDO_LOG_FILE: logPath(target.logFolder, service) },
  })
  const start: Services['start'] = async (service) => {
    const { path, env } = script(service)
    const running = startScript(path, [], env)
    await untilReady(target, service)
    return running
  }
  return { ...target, script, start }
}

/** Returns the running shop of `npm run contract`, or starts these services with `extra`. */
export async function openServices(
  names: readonly Service[],
  extra: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const running = await runningShop()
  if (running !== undefined) return running
  const all = await services(extra)
  await Promise.all(names.map(all.start))
  return all
}

/** Waits until a process answers its health check. */
export async function untilReady({ ports }: Target, name: Name): Promise<void> {
  await until(`${name} to answer`, () =>
    askPort(ports[name], '/healthz').then(
      (answer) => answer.status === 200,
      () => false,
    ),
  )
}
