import { createServer } from 'node:net'
import { MisuseError } from '../process/misuse.ts'
import type { Setting } from '../process/settings.ts'

/** A port that a process needs, and the setting that moves it. */
export interface WantedPort {
  readonly port: number
  readonly setting: Setting<number>
}

/** The message for a port that is in use. */
export function portTakenMessage({ port, setting }: WantedPort): string {
  return `port ${port} is taken; set ${setting.env} (or --${setting.flag}) to move it`
}

/**
 * Checks that every port is free on loopback.
 *
 * @throws MisuseError for the first port that is in use or that two processes need
 */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const seen = new Map<number, Setting<number>>()
  for (const { port, setting } of wanted) {
    const other = seen.get(port)
    if (other !== undefined) throw new MisuseError(`${other.env} and ${setting.env} are both ${port}`)
    seen.set(port, setting)
  }
  for (const one of wanted) {
    const problem = await tryListen(one.port)
    if (problem === 'EADDRINUSE') throw new MisuseError(portTakenMessage(one))
    if (problem !== undefined) {
      throw new MisuseError(`port ${one.port} cannot be used (${problem}); set ${one.setting.env} to move it`)
    }
  }
}

/** Listens once. Returns the error code, or undefined if the port is free. */
function tryListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
