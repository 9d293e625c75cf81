import { createServer } from 'node:net'
import { MisuseError } from '../process/misuse.ts'
import type { Setting } from '../process/settings.ts'

/** A port that a process is going to take, and the setting that moves it. */
export interface WantedPort {
  readonly port: number
  readonly setting: Setting<number>
}

/** The line for a port that something else holds. */
export function takenLine({ port, setting }: WantedPort): string {
  return `port ${port} is taken; set ${setting.env} (or --${setting.flag}) to move it`
}

/**
 * Checks that every port is free on loopback, before anything is started.
 *
 * @throws MisuseError for the first that is not, or that two processes want
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
    if (problem === 'EADDRINUSE') throw new MisuseError(takenLine(one))
    if (problem !== undefined) {
      throw new MisuseError(`port ${one.port} cannot be used (${problem}); set ${one.setting.env} to move it`)
    }
  }
}

/** The code of the error that listening gives, or undefined when the port is free. */
function tryListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
