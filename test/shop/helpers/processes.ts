import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The root of the repository: the working directory of every process in these tests. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url))

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process under test, with all its output. */
export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly exit: Promise<Exit>
  readonly send: (signal: NodeJS.Signals) => void
  /** Closes the reading ends of its output pipes. */
  readonly closeOutput: () => void
}

const children: ChildProcess[] = []

/** Starts a script of the repository with the Node.js version that runs the tests. */
export function startScript(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  return start(process.execPath, ['--conditions=@escudo/source', 'tools/run.mjs', script, ...args], env)
}

/**
 * Starts a program in the root of the repository.
 *
 * @param detached true runs it in a separate process group, so that a test can signal the group as a terminal does
 */
export function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  detached = false,
): Running {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  })
  if (child.pid === undefined) throw new Error(`${command} could not be started`)
  children.push(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const exit = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const send = (signal: NodeJS.Signals): void => void child.kill(signal)
  const closeOutput = (): void => {
    child.stdout.destroy()
    child.stderr.destroy()
  }
  return { pid: child.pid, stdout: () => stdout, stderr: () => stderr, exit, send, closeOutput }
}

/** Ends the processes that a test left running, by their ids. Their children end with them. */
export async function endAll(): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const ended = await Promise.race([exit.then(() => true), delay(8_000, false)])
    if (!ended) child.kill('SIGKILL')
    await exit
  }
}

/** Returns whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Polls until `holds` returns a value, and returns it. Fails with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  holds: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 15_000,
): Promise<T> {
  const end = performance.now() + withinMs
  while (true) {
    const value = await holds()
    if (value !== undefined && value !== false) return value
    if (performance.now() > end) throw new Error(`timed out after ${withinMs} ms: ${what}`)
    await delay(25)
  }
}

/** Finds free ports. It opens all of them at the same time, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
