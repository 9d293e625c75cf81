import type { FastifyInstance } from 'fastify'
import { takenLine, type WantedPort } from '../supervisor/ports.ts'
import { MisuseError } from './misuse.ts'

/** How long requests in flight have to finish once the process is told to stop; the supervisor waits a little longer. */
const DRAIN_MS = 4_500

/**
 * Listens on loopback until the process is told to stop: by a signal, or by the end of the channel to the supervisor
 * that started it. Then it takes no new connections, finishes what is in flight, and exits with 0.
 *
 * @throws MisuseError when the port is taken
 */
export async function serve(app: FastifyInstance, wanted: WantedPort): Promise<void> {
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), DRAIN_MS).unref()
    void app.close().finally(() => process.exit(0))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  process.once('disconnect', stop)
  try {
    await app.listen({ host: '127.0.0.1', port: wanted.port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new MisuseError(takenLine(wanted))
    throw error
  }
  // The channel may have closed before anybody listened to its end.
  if (process.connected === false) stop()
}
