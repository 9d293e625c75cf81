import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask } from './channel.ts'
import { onCore } from './pinning.ts'
import type { Usage } from './probe.ts'

/** How to start a process. */
export interface Spec {
  /** Its name in messages. */
  readonly name: string
  /** The core to run on. Undefined: any. */
  readonly core: number | undefined
  /** The script of a Node process and its arguments; with `command`, the arguments of that command. */
  readonly args: readonly string[]
  /** A program other than Node. It has no channel: its usage is read from the system. */
  readonly command?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A started process. */
export interface Running {
  readonly name: string
  /** Whether it is Node: other processes cannot be profiled. */
  readonly isNode: boolean
  ask<T>(what: string, argument?: unknown): Promise<T>
  usage(): Promise<Usage>
  /** Fulfils when `url` answers with any status. Throws if the process ends first. */
  answersAt(url: string): Promise<void>
  stop(): Promise<void>
}

const PROBE = new URL('probe.ts', import.meta.url).href
const START_MS_MAX = 30_000
const STOP_MS_MAX = 10_000
const POLL_MS = 50
const STDERR_CHARS_MAX = 4_000

/** Starts a process. Node processes answer the questions of `probe.ts`, and end when their channel closes. */
export function start(spec: Spec): Running {
  const { name, core, args, command, env } = spec
  const node = [process.execPath, '--conditions=@escudo/source', '--import', PROBE]
  const [file = '', ...rest] = onCore(core, [...(command === undefined ? node : [command]), ...args])
  const child = spawn(file, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', ...(command === undefined ? (['ipc'] as const) : [])],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-STDERR_CHARS_MAX)
  })
  let startError: Error | undefined
  child.once('error', (error) => {
    startError = error
  })
  const hasEnded = (): boolean => startError !== undefined || child.exitCode !== null || child.signalCode !== null
  const askChild = async <T>(what: string, argument?: unknown): Promise<T> => {
    try {
      return await ask<T>(child, what, argument)
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}${errors === '' ? '' : `: ${errors}`}`)
    }
  }
  return {
    name,
    isNode: command === undefined,
    ask: askChild,
    usage: () => (command === undefined ? askChild<Usage>('usage') : usageOf(child)),
    async answersAt(url) {
      const untilMs = performance.now() + START_MS_MAX
      while (performance.now() < untilMs) {
        if (hasEnded()) throw new Error(`${name} did not start: ${startError?.message ?? errors}`)
        const response = await fetch(url).catch(() => undefined)
        if (response !== undefined) {
          await response.text()
          return
        }
        await delay(POLL_MS)
      }
      throw new Error(`${name} does not answer at ${url}: ${errors}`)
    },
    async stop() {
      if (hasEnded()) return
      const exited = once(child, 'exit')
      if (child.connected) child.disconnect()
      else child.kill()
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await exited
      clearTimeout(timer)
    },
  }
}

const TICKS_PER_SECOND = 100

/** The usage of another program, from Linux's `/proc`. */
async function usageOf({ pid }: ChildProcess): Promise<Usage> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
  ])
  return parseUsage(stat, status)
}

/** Reads `/proc/<pid>/stat` and `status`. The processor time is NaN if they are missing. */
export function parseUsage(stat: string, status: string): Usage {
  // The name of the program is in parentheses and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [fields[11], fields[12]].map(Number) as [number, number]
  const rssKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
  return { cpuUs: ((user + system) * 1e6) / TICKS_PER_SECOND, rssBytes: rssKib * 1_024, heapBytes: undefined }
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The path of a script in this folder. */
export function scriptOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
