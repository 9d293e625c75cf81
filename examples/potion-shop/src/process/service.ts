import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { takenLine, type WantedPort } from '../supervisor/ports.ts'
import { CRASH_DRAIN_MS, onCrash } from './crash.ts'
import { Ending } from './ending.ts'
import { InFlight, UNREAD_MS } from './in-flight.ts'
import { MisuseError } from './misuse.ts'

/** How long requests in flight have to finish once the process is told to stop; the supervisor waits a little longer. */
const DRAIN_MS = 4_500

/**
 * Listens on loopback until the process is told to stop: by a signal, or by the end of the channel to the supervisor
 * that started it. Then it takes no new connections, finishes what is in flight, and exits with 0. A crash ends it the
 * same way, with 1.
 *
 * @throws MisuseError when the port is taken
 */
export async function serve(app: FastifyInstance, wanted: WantedPort): Promise<void> {
  const inFlight = new InFlight(app.server)
  const ending = new Ending({
    finish: async () => {
      const finished = inFlight.finish()
      await delay(UNREAD_MS)
      // From here on what still comes in on open connections is refused with 503 SHUTTING_DOWN.
      await Promise.all([finished, app.close()])
    },
    cut: () => inFlight.cut(),
  })
  onCrash(app.log, () => ending.begin(1, CRASH_DRAIN_MS))
  const stop = (): void => ending.begin(0, DRAIN_MS)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  process.once('disconnect', stop)
  try {
    await app.listen({ host: '127.0.0.1', port: wanted.port })
  } catch (error) {
    // Told to stop before it was up.
    if (ending.begun) return
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new MisuseError(takenLine(wanted))
    throw error
  }
  // The channel may have closed before anybody listened to its end.
  if (process.connected === false) stop()
}
