// Starts the small service on each framework, as a process.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..')
const STARTS_WITHIN_MS = 30_000

/** The folders with a service. */
export const FRAMEWORKS: readonly string[] = readdirSync(FOLDER).filter((name) =>
  existsSync(join(FOLDER, name, 'main.ts')),
)

export interface Service {
  readonly framework: string
  readonly port: number
  /** Ends the process. Returns its exit code and signal, and what it wrote to its standard error. */
  stop(): Promise<{ readonly exit: readonly unknown[]; readonly errors: string }>
}

/** Starts the service on a framework, and waits until it answers. */
export async function startService(framework: string, port: number): Promise<Service> {
  const args = [
    '--conditions=@escudo/source',
    '--disable-warning=ExperimentalWarning',
    join(FOLDER, framework, 'main.ts'),
  ]
  const env = { ...process.env, PORT: String(port) }
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

/** Ports that are free now. All are taken before the first is given back, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
