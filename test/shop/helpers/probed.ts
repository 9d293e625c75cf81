import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Probe } from './heap-probe.ts'
import { ROOT } from './processes.ts'
import { type Services, untilReady } from './services.ts'

/** The shop in a separate process whose memory use can be read. */
export interface ProbedShop {
  readonly pid: number
  readonly stderr: () => string
  readonly hasEnded: () => boolean
  readonly probe: () => Promise<Probe>
  /** Stops it and waits until it has exited. */
  readonly stop: () => Promise<void>
}

/** Starts the shop with the heap probe and waits until it answers. */
export async function startProbedShop(services: Services): Promise<ProbedShop> {
  const { path, env } = services.script('potion-shop')
  const probe = new URL('./heap-probe.ts', import.meta.url).href
  // Without --no-flush-bytecode V8 discards code that has not run for half a minute. That frees about 4 MB, which
  // would hide a leak of the same size.
  const flags = ['--expose-gc', '--no-flush-bytecode', '--conditions=@escudo/source', `--import=${probe}`]
  const child: ChildProcess = spawn(process.execPath, [...flags, path], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  if (child.pid === undefined) throw new Error('the shop could not be started')
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = once(child, 'exit')
  await untilReady(services, 'potion-shop')
  return {
    pid: child.pid,
    stderr: () => stderr,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    probe: async () => {
      const answer = once(child, 'message')
      child.send('probe')
      return (await answer)[0] as Probe
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
