import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type Running, startScript, until } from './processes.ts'
import { askPort } from './requests.ts'
import type { Line } from './system.ts'

/** The shop and its dependencies, by the names of their scripts. */
export const SERVICES = ['shop', 'flaky', 'product', 'inventory'] as const
export type Service = (typeof SERVICES)[number]

const SCRIPTS: Readonly<Record<Service, string>> = {
  shop: 'examples/potion-shop/src/shop/main.ts',
  flaky: 'examples/potion-shop/src/dependencies/flaky.ts',
  product: 'examples/potion-shop/src/dependencies/product.ts',
  inventory: 'examples/potion-shop/src/dependencies/inventory.ts',
}

/** The services without their supervisor: a killed service stays down until the test starts it again. */
export interface Services {
  readonly ports: Readonly<Record<Service, number>>
  /** Starts a service and waits until it answers. */
  readonly start: (service: Service) => Promise<Running>
  /** The script of a service and its environment with all the ports, to start it in another way. */
  readonly script: (service: Service) => { readonly path: string; readonly env: Readonly<Record<string, string>> }
  /** Waits until a service answers. */
  readonly ready: (service: Service) => Promise<void>
  /** All lines in the log of a service so far. */
  readonly log: (service: Service) => Promise<readonly Line[]>
  /** The lines of one trace in the log of the shop; waits until its request has ended. */
  readonly trace: (traceId: string) => Promise<readonly Line[]>
  /** Removes the logs. */
  readonly remove: () => Promise<void>
}

/** Reserves ports and a log folder for the services; starts nothing. */
export async function services(env: Readonly<Record<string, string>> = {}): Promise<Services> {
  const numbers = await freePorts(SERVICES.length)
  const ports = Object.fromEntries(SERVICES.map((name, index) => [name, numbers[index]])) as Record<Service, number>
  const folder = await mkdtemp(join(tmpdir(), 'escudo-services-'))
  const fileOf = (service: Service): string => join(folder, `${service}.jsonl`)

  const script = (service: Service): { path: string; env: Readonly<Record<string, string>> } => {
    const own = Object.fromEntries(SERVICES.map((name) => [`ESCUDO_${name.toUpperCase()}_PORT`, String(ports[name])]))
    return { path: SCRIPTS[service], env: { ...own, ESCUDO_LOG_FILE: fileOf(service), ...env } }
  }
  const ready = async (service: Service): Promise<void> => {
    await until(`${service} to answer`, () =>
      askPort(ports[service], '/healthz').then(
        (answer) => answer.status === 200,
        () => false,
      ),
    )
  }
  const log = async (service: Service): Promise<readonly Line[]> => {
    const text = await readFile(fileOf(service), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }
  return {
    ports,
    script,
    ready,
    log,
    start: async (service) => {
      const running = startScript(SCRIPTS[service], [], script(service).env)
      await ready(service)
      return running
    },
    trace: (traceId) =>
      until(
        `the request of trace ${traceId} in the log`,
        async () => {
          const lines = (await log('shop')).filter((line) => line['trace_id'] === traceId)
          return lines.some((line) => line['event'] === 'http.request') ? lines : undefined
        },
        2_000,
      ),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
