// Starts the small service on each framework, as a process.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const FOLDER = join(import.meta.dirname, '..')
/** Less than a hook may take, so that its test can tell why. */
const STARTS_WITHIN_MS = 50_000
const REPORTS = pathToFileURL(join(import.meta.dirname, 'reports.ts')).href

/** A service that differs from the one of its folder. */
interface Variant {
  readonly folder: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const NEST_11 = ['--import', pathToFileURL(join(FOLDER, '../../test/nest-11/use.ts')).href]
const ON_FASTIFY = { PLATFORM: 'fastify' }
const VARIANTS: Readonly<Record<string, Variant>> = {
  'nest-fastify': { folder: 'nest', env: ON_FASTIFY },
  'nest-11': { folder: 'nest', args: NEST_11 },
  'nest-11-fastify': { folder: 'nest', args: NEST_11, env: ON_FASTIFY },
}

/** The folders with a service, and the variants. */
export const FRAMEWORKS: readonly string[] = [
  ...readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, 'main.ts'))),
  ...Object.keys(VARIANTS),
]

export interface Service {
  readonly framework: string
  readonly port: number
  /** Ends the process. Returns its exit code and signal, and what it wrote to its standard error. */
  stop(): Promise<{ readonly exit: readonly unknown[]; readonly errors: string }>
}

const running = new Map<ChildProcess, Promise<unknown>>()

/** Starts the service on a framework, and waits until it answers. */
export async function startService(framework: string, port: number): Promise<Service> {
  const variant: Variant = VARIANTS[framework] ?? { folder: framework }
  const child = fork(join(FOLDER, variant.folder, 'main.ts'), {
    execArgv: [
      '--conditions=@escudo/source',
      '--disable-warning=ExperimentalWarning',
      '--import',
      REPORTS,
      ...(variant.args ?? []),
    ],
    env: { ...process.env, PORT: String(port), ...variant.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  // Not `exit`: the last part of its standard error can come later.
  const ended = new Promise<readonly unknown[]>((resolve) => child.once('close', (...exit) => resolve(exit)))
  running.set(child, ended)
  void ended.then(() => running.delete(child))
  try {
    await answers(child, port)
  } catch (cause) {
    child.kill('SIGKILL')
    await ended
    throw new Error(`the service on ${framework} does not answer: ${errors}`, { cause })
  }
  const stop: Service['stop'] = async () => {
    child.kill('SIGTERM')
    return { exit: await ended, errors }
  }
  return { framework, port, stop }
}

/** Kills the services that still run, also those that have not answered yet. */
export async function endServices(): Promise<void> {
  for (const child of running.keys()) child.kill('SIGKILL')
  await Promise.all(running.values())
}

async function answers(child: ChildProcess, port: number): Promise<void> {
  const untilMs = performance.now() + STARTS_WITHIN_MS
  let isServing = false
  child.once('message', () => {
    isServing = true
  })
  while (!isServing) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('its process has ended')
    if (performance.now() > untilMs) throw new Error(`no answer within ${STARTS_WITHIN_MS} ms`)
    await fetch(`http://127.0.0.1:${port}/items/1`, { headers: { connection: 'close' } }).catch(() => {})
    await delay(50)
  }
}

/**
 * Ports that are free now. They are below those that the system gives to `listen(0)`: otherwise the upstream of one service
 * could take the port of the next one.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (!ports.includes(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (isListening) await once(server.close(), 'close')
  return isListening
}
