// Starts the small service on each framework, as a process.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const FOLDER = join(import.meta.dirname, '..')
const STARTS_WITHIN_MS = 30_000

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

/** Starts the service on a framework, and waits until it answers. */
export async function startService(framework: string, port: number): Promise<Service> {
  const variant: Variant = VARIANTS[framework] ?? { folder: framework }
  const args = [
    '--conditions=@escudo/source',
    '--disable-warning=ExperimentalWarning',
    ...(variant.args ?? []),
    join(FOLDER, variant.folder, 'main.ts'),
  ]
  const env = { ...process.env, PORT: String(port), ...variant.env }
  const child: ChildProcess = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  try {
    await answers(port)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`the service on ${framework} does not answer: ${errors}`, { cause: error })
  }
  return {
    framework,
    port,
    stop: async () => {
      const ended = child.exitCode === null ? once(child, 'exit') : [child.exitCode, child.signalCode]
      child.kill('SIGTERM')
      return { exit: await ended, errors }
    },
  }
}

async function answers(port: number): Promise<void> {
  const untilMs = performance.now() + STARTS_WITHIN_MS
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/items/1`, { headers: { connection: 'close' } })
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
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
