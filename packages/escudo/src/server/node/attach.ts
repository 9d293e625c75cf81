import type { Server } from 'node:http'
import type { AdapterSettings } from '../adapter-options.ts'
import { handleServerEvents } from './socket-errors.ts'

/** Servers that have listened. One that never does gets its connections from another server. */
const listened = new WeakSet<Server>()
const attached = new WeakSet<Server>()

/**
 * Makes a server answer in the contract's form what Node would answer itself: bytes that are not HTTP, 20 KB of header,
 * an unknown expectation, `CONNECT`, and requests without Host. A second call for a server does nothing.
 */
export function attachTo(server: Server, { contract, logger }: AdapterSettings): void {
  if (attached.has(server)) return
  attached.add(server)
  // Node would answer such a request in plain text. It is rejected with `earlyError`.
  ;(server as { requireHostHeader?: boolean }).requireHostHeader = false
  if (server.listening) listened.add(server)
  else server.on('listening', () => listened.add(server))
  handleServerEvents(server, contract, logger)
}

/** Whether an attached server was told to close. Requests on its open connections can still arrive. */
export function isClosing(server: Server): boolean {
  return !server.listening && listened.has(server)
}

/** The server of a connection; undefined for a simulated request. Node sets it, but has no name for it in its types. */
export function serverOf(socket: unknown): Server | undefined {
  const { server } = (socket ?? {}) as { readonly server?: Server | null }
  return server ?? undefined
}
