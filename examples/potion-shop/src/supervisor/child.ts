import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { restartDelayMs } from './restart-delay.ts'

/** Time for a child to stop before it is killed. */
const STOP_GRACE_MS = 5_000

/** One process to keep running. */
export interface ChildSpec {
  /** The name of the service, for console lines. */
  readonly name: string
  /** The script and its arguments. */
  readonly args: readonly string[]
  /** Added to the environment of the supervisor. */
  readonly env: Readonly<Record<string, string>>
  /** The port of `GET /healthz`. */
  readonly port: number
}

/** Callbacks of a {@link Child}. */
export interface ChildListener {
  /** Receives a line for the console. */
  readonly print: (line: string) => void
  /** Called after an unexpected exit. Returns false if the child must not restart. */
  readonly mayRestart: (exitCode: number | null) => boolean
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly process: ChildProcess; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'stopped'; readonly done: Promise<void> }

/** Runs one process, restarts it when it dies, and stops it. */
export class Child {
  readonly spec: ChildSpec
  readonly #listener: ChildListener
  #state: State = { kind: 'idle' }
  #delayMs: number | undefined

  constructor(spec: ChildSpec, listener: ChildListener) {
    this.spec = spec
    this.#listener = listener
  }

  /** The process id while the process runs. */
  get pid(): number | undefined {
    return this.#state.kind === 'running' ? this.#state.process.pid : undefined
  }

  start(): void {
    if (this.#state.kind !== 'idle' && this.#state.kind !== 'waiting') return
    const child = spawn(process.execPath, ['--conditions=@escudo/source', ...this.spec.args], {
      env: { ...process.env, ...this.spec.env },
      // Closing the channel stops the child. It also closes when the supervisor dies.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A separate process group, so that Ctrl-C in the terminal reaches only the supervisor.
      detached: process.platform !== 'win32',
    })
    this.#state = { kind: 'running', process: child, sinceMs: performance.now() }
    if (child.stderr !== null) {
      const lines = createInterface({ input: child.stderr })
      lines.on('line', (line) => this.#listener.print(`[${this.spec.name}] ${line}`))
    }
    // A process that cannot start emits 'error' without 'exit'; one with a broken channel emits both.
    let ended = false
    const end = (code: number | null, why: string): void => {
      if (ended) return
      ended = true
      this.#died(child, code, why)
    }
    child.on('error', (error) => {
      if (child.pid === undefined) end(null, error.message)
    })
    child.on('exit', (code, signal) => end(code, signal === null ? `exit code ${code}` : `signal ${signal}`))
  }

  /** Stops the process for good. Every call returns the same promise. */
  stop(): Promise<void> {
    if (this.#state.kind === 'stopped') return this.#state.done
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer)
    const done = this.#state.kind === 'running' ? this.#terminate(this.#state.process) : Promise.resolve()
    this.#state = { kind: 'stopped', done }
    return done
  }

  #died(child: ChildProcess, code: number | null, why: string): void {
    if (this.#state.kind !== 'running' || this.#state.process !== child) return
    const aliveMs = performance.now() - this.#state.sinceMs
    if (!this.#listener.mayRestart(code)) {
      this.#state = { kind: 'stopped', done: Promise.resolve() }
      return
    }
    this.#delayMs = restartDelayMs(this.#delayMs, aliveMs)
    this.#listener.print(`${this.spec.name} died (${why}); starting it again in ${this.#delayMs} ms`)
    this.#state = { kind: 'waiting', timer: setTimeout(() => this.#restart(), this.#delayMs) }
  }

  #restart(): void {
    this.start()
    this.#listener.print(`${this.spec.name} started again, process ${this.pid ?? 'unknown'}`)
  }

  #terminate(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
      const timer = setTimeout(() => {
        this.#listener.print(`${this.spec.name} did not stop within ${STOP_GRACE_MS} ms; killing it`)
        killGroup(child)
      }, STOP_GRACE_MS)
      child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      if (child.connected) child.disconnect()
    })
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
