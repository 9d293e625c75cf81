import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { restartDelayMs } from './restart-delay.ts'

/** Time for a child to stop before it is killed. */
const STOP_GRACE_MS = 5_000
const NODE_CONDITION = '--conditions=@escudo/source'

/** One process to keep running. */
export interface ChildSpec {
  /** The name of the service, for console lines. */
  readonly name: string
  /** The program. It ends when its standard input closes. Default: Node.js, which ends when its channel closes. */
  readonly command?: string
  /** The arguments of the program: for Node.js, the script and its arguments. */
  readonly args: readonly string[]
  /** Added to the environment of the supervisor. */
  readonly env: Readonly<Record<string, string>>
  /** The port of `GET /healthz`. */
  readonly port: number
  /** Whether the other processes need it until they have ended. Default false. */
  readonly stopsLast?: boolean
  /** The address for the console. Default: HTTP at the port. */
  readonly url?: string
  /** Whether the process answers at its port. Default: by `GET /healthz`. */
  readonly isReady?: (port: number, signal: AbortSignal) => Promise<boolean>
}

/** Callbacks of a {@link Child}. */
export interface ChildListener {
  /** Receives a line for the console. */
  readonly print: (line: string) => void
  /** Called after an unexpected exit. Returns false if the child must not restart. */
  readonly mayRestart: (exitCode: number | null) => boolean
}

interface Exit {
  readonly code: number | null
  readonly why: string
}

/** Runs one process, restarts it when it dies, and stops it. */
export class Child {
  readonly spec: ChildSpec
  /** The process id while the process runs. */
  pid: number | undefined
  readonly #listener: ChildListener

  constructor(spec: ChildSpec, listener: ChildListener) {
    this.spec = spec
    this.#listener = listener
  }

  /** Keeps the process running. Fulfils when it has ended and does not restart: `signal` is aborted, or it must not. */
  async run(signal: AbortSignal): Promise<void> {
    const { print, mayRestart } = this.#listener
    let delayMs: number | undefined
    while (!signal.aborted) {
      const startedMs = performance.now()
      const exit = this.#start(signal)
      if (delayMs !== undefined) print(`${this.spec.name} started again, process ${this.pid ?? 'unknown'}`)
      const { code, why } = await exit
      this.pid = undefined
      if (signal.aborted || !mayRestart(code)) return
      delayMs = restartDelayMs(delayMs, performance.now() - startedMs)
      print(`${this.spec.name} died (${why}); starting it again in ${delayMs} ms`)
      await delay(delayMs, undefined, { signal }).catch(() => {})
    }
  }

  /** Starts the process; an abort of `signal` stops it. Fulfils with its exit. */
  #start(signal: AbortSignal): Promise<Exit> {
    const { name, command, args, env } = this.spec
    const child = spawn(command ?? process.execPath, command === undefined ? [NODE_CONDITION, ...args] : args, {
      env: { ...process.env, ...env },
      // Closing the channel, or the input, stops the child. Both also close when the supervisor dies.
      stdio: command === undefined ? ['ignore', 'ignore', 'pipe', 'ipc'] : ['pipe', 'ignore', 'pipe'],
      // A separate process group, so that Ctrl-C in the terminal reaches only the supervisor.
      detached: process.platform !== 'win32',
    })
    this.pid = child.pid
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => this.#listener.print(`[${name}] ${line}`))
    }
    let timer: NodeJS.Timeout | undefined
    const stop = (): void => {
      timer = setTimeout(() => {
        this.#listener.print(`${name} did not stop within ${STOP_GRACE_MS} ms; killing it`)
        killGroup(child)
      }, STOP_GRACE_MS)
      if (child.connected) child.disconnect()
      child.stdin?.end()
    }
    signal.addEventListener('abort', stop)
    return new Promise<Exit>((resolve) => {
      // A process that cannot start emits 'error' without 'exit'; one with a broken channel emits both.
      child.on('error', (error) => child.pid === undefined && resolve({ code: null, why: error.message }))
      child.on('exit', (code, by) => resolve({ code, why: by === null ? `exit code ${code}` : `signal ${by}` }))
    }).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    })
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined || process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
