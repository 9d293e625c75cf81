import { createServer } from 'node:net'
import { MisuseError } from '../process/misuse.ts'
import type { Setting } from '../process/settings.ts'

const PORT_MAX = 65_535
const PORTS_TRIED = 1_000

/** A port that a process needs, and the setting that moves it. */
export interface WantedPort {
  readonly port: number
  readonly setting: Setting<number>
  /** The number of the instance, from 1. Each further one has a port 10 above that of the setting. Default 1. */
  readonly instance?: number
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
  const seen = new Map<number, WantedPort>()
  for (const one of wanted) {
    const other = seen.get(one.port)
    if (other !== undefined) throw new MisuseError(`${nameOf(other)} and ${nameOf(one)} are both ${one.port}`)
    seen.set(one.port, one)
    if (one.port > PORT_MAX) throw new MisuseError(`${nameOf(one)} is ${one.port}, above the largest port ${PORT_MAX}`)
  }
  for (const one of wanted) {
    const problem = await tryListen(one.port)
    if (problem === 'EADDRINUSE') throw new MisuseError(portTakenMessage(one))
    if (problem !== undefined) {
      throw new MisuseError(`port ${one.port} cannot be used (${problem}); set ${one.setting.env} to move it`)
    }
  }
}

function nameOf({ setting, instance = 1 }: WantedPort): string {
  return instance === 1 ? setting.env : `${setting.env} of instance ${instance}`
}

/** Listens once. Returns the error code, or undefined if the port is free. */
function tryListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/**
 * Returns the first free port from a given one on.
 *
 * Not one that the system gives out: while a server on such a port is down, a client that connects to it again and again
 * can connect to itself, and then the server cannot start again.
 *
 * @throws MisuseError if none of a thousand is free
 */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + PORTS_TRIED; port += 1) {
    if ((await tryListen(port)) === undefined) return port
  }
  throw new MisuseError(`no port from ${from} to ${from + PORTS_TRIED - 1} is free`)
}
