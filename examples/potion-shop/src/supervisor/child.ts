import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { restartDelayMs } from './restart-delay.ts'

/** How long a child has to stop by itself before it is killed. */
export const STOP_GRACE_MS = 5_000

/** One process to keep running. */
export interface ChildSpec {
  /** The name of its service, for people. */
  readonly name: string
  /** The script, and its arguments. */
  readonly args: readonly string[]
  /** Added to the supervisor's own environment. */
  readonly env: Readonly<Record<string, string>>
  /** Where it answers `GET /healthz` once it is up. */
  readonly port: number
}

/** What a child tells its supervisor. */
export interface ChildListener {
  /** A line for people. */
  readonly say: (line: string) => void
  /** It ended and nobody asked it to. Returns false to leave it dead. */
  readonly mayRestart: (exitCode: number | null) => boolean
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly process: ChildProcess; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'stopped'; readonly done: Promise<void> }

/** A process that is started, started again when it dies, and stopped. */
export class Child {
  readonly spec: ChildSpec
  readonly #listener: ChildListener
  #state: State = { kind: 'idle' }
  #delayMs: number | undefined

  constructor(spec: ChildSpec, listener: ChildListener) {
    this.spec = spec
    this.#listener = listener
  }

  /** Its process id while it runs. */
  get pid(): number | undefined {
    return this.#state.kind === 'running' ? this.#state.process.pid : undefined
  }

  start(): void {
    if (this.#state.kind !== 'idle' && this.#state.kind !== 'waiting') return
    const child = spawn(process.execPath, ['--conditions=@escudo/source', ...this.spec.args], {
      env: { ...process.env, ...this.spec.env },
      // The channel is how it is told to stop, and how it notices that nobody watches over it any more.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops all in order.
      detached: process.platform !== 'win32',
    })
    this.#state = { kind: 'running', process: child, sinceMs: performance.now() }
    if (child.stderr !== null) {
      const lines = createInterface({ input: child.stderr })
      lines.on('line', (line) => this.#listener.say(`[${this.spec.name}] ${line}`))
    }
    // A process that cannot even be started tells 'error' and no 'exit'; one whose channel broke tells both.
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

  /** Stops it for good. The same promise for everyone who asks. */
  stop(): Promise<void> {
    if (this.#state.kind === 'stopped') return this.#state.done
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer)
    const done = this.#state.kind === 'running' ? this.#end(this.#state.process) : Promise.resolve()
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
    this.#listener.say(`${this.spec.name} died (${why}); starting it again in ${this.#delayMs} ms`)
    this.#state = { kind: 'waiting', timer: setTimeout(() => this.#again(), this.#delayMs) }
  }

  #again(): void {
    this.start()
    this.#listener.say(`${this.spec.name} started again, process ${this.pid ?? 'unknown'}`)
  }

  #end(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
      const timer = setTimeout(() => {
        this.#listener.say(`${this.spec.name} did not stop within ${STOP_GRACE_MS} ms; killing it`)
        killGroup(child)
      }, STOP_GRACE_MS)
      child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      // Closing the channel is the order to stop: the same that a child sees when its supervisor is killed.
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
    // It ended in the meantime.
  }
}
