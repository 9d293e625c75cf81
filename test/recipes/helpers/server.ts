import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const READY_MS_MAX = 15_000

/** How to start a server, and as which user. */
export interface ServerPlan {
  readonly program: string
  readonly args: (folder: string, port: number) => readonly string[]
  readonly uid?: number
  readonly gid?: number
}

/** A database server with its data in a temporary folder. It can be killed and started again on the same port. */
export class Server {
  readonly port: number
  readonly #plan: ServerPlan
  readonly #folder: string
  #child: ChildProcess | undefined
  #output = ''

  constructor(plan: ServerPlan, folder: string, port: number) {
    this.#plan = plan
    this.#folder = folder
    this.port = port
  }

  /** Starts the process. It may not accept connections yet. */
  start(): void {
    const { program, args, uid, gid } = this.#plan
    const user = uid === undefined || gid === undefined ? {} : { uid, gid }
    const child = spawn(program, args(this.#folder, this.port), {
      ...user,
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.on('error', (error) => {
      this.#output += String(error)
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk
      })
    }
    this.#child = child
  }

  /** Kills the server and its child processes with SIGKILL, so that it can neither finish nor announce anything. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = new Promise((resolve) => child.once('exit', resolve))
    // The children of PostgreSQL are not in its process group. Stopped, the parent starts no further ones.
    process.kill(child.pid, 'SIGSTOP')
    const children = await childrenOf(child.pid)
    for (const pid of [child.pid, ...children]) killNow(pid)
    await exit
    // A new PostgreSQL refuses the memory of these while one of them still ends.
    while ((await Promise.all(children.map(runs))).includes(true)) await delay(5)
    this.#child = undefined
  }

  /** Waits until the probe succeeds. */
  async ready(probe: () => Promise<unknown>): Promise<void> {
    const end = performance.now() + READY_MS_MAX
    for (;;) {
      try {
        await probe()
        return
      } catch (cause) {
        if (performance.now() > end)
          throw new Error(`the server is not ready: ${this.#output.slice(-2_000)}`, { cause })
      }
      await delay(50)
    }
  }

  /** Kills the server and removes its data. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Makes an empty folder for a server's data. */
export async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-recipe-'))
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  return folder
}

/** Returns a port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .map(Number)
    .filter((child) => child > 0)
}

async function runs(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return status !== '' && !/^State:\s+[ZX]/m.test(status)
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
