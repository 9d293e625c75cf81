import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type Running, start, until } from '../../shop/helpers/processes.ts'
import type { Backend } from './backends.ts'

/** A backend that listens on a free port of loopback, with its data in a temporary folder. */
export interface RunningBackend {
  readonly url: string
  /** Ends the process, with SIGTERM unless another signal is given. Its data stay. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Starts it again, on the same port and data, and waits until it is ready. */
  readonly startAgain: () => Promise<void>
}

const removals: (() => Promise<void>)[] = []

/** Starts a backend and waits until it is ready. */
export async function startBackend(backend: Backend, program: string): Promise<RunningBackend> {
  const folder = await mkdtemp(join(tmpdir(), `escudo-${backend.name}-`))
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  let running: Running | undefined
  const startAgain = async (): Promise<void> => {
    const process = start(program, backend.args(port, join(folder, 'data')), {})
    running = process
    let hasEnded = false
    void process.exit.then(() => {
      hasEnded = true
    })
    await until(`${backend.name} to be ready`, async () => {
      if (hasEnded) throw new Error(`${backend.name} ended: ${process.stdout()}${process.stderr()}`)
      return await fetch(`${url}${backend.readyPath}`).then(
        ({ ok }) => ok,
        () => false,
      )
    })
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    running?.send(signal)
    await running?.exit
  }
  removals.push(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })
  await startAgain()
  return { url, stop, startAgain }
}

/** Ends all backends that were started, and removes their data. */
export async function removeBackends(): Promise<void> {
  for (const remove of removals.splice(0)) await remove()
}
