import { setTimeout as delay } from 'node:timers/promises'
import { logService } from 'escudo/pino'
import type { FastifyInstance } from 'fastify'
import { portTakenMessage, type WantedPort } from '../supervisor/ports.ts'
import { CRASH_DRAIN_MS, onCrash } from './crash.ts'
import { InFlight, UNREAD_MS } from './in-flight.ts'
import { MisuseError } from './misuse.ts'
import { Shutdown } from './shutdown.ts'

/** Time for requests in flight to finish after a stop. The supervisor waits a little longer. */
const DRAIN_MS = 4_500

/**
 * Listens on loopback until a signal arrives or the channel to the supervisor closes. Then it stops accepting
 * connections, finishes the requests in flight and exits with 0. A crash does the same, with exit code 1.
 *
 * @param logFile the log file, if there is one
 * @param instance the name of this instance, if there are several
 * @throws MisuseError if the port is taken
 */
export async function serve(
  app: FastifyInstance,
  wanted: WantedPort,
  logFile: string | undefined,
  instance?: string,
): Promise<void> {
  const inFlight = new InFlight(app.server)
  const shutdown = new Shutdown({
    drain: async () => {
      const drained = inFlight.drain()
      await delay(UNREAD_MS)
      // From now on, requests on open connections get 503 SHUTTING_DOWN.
      await Promise.all([drained, app.close()])
    },
    abort: () => inFlight.abort(),
  })
  onCrash(app.log, () => shutdown.begin(1, CRASH_DRAIN_MS))
  let reason = 'crash'
  const stopBecause = (why: string) => (): void => {
    if (!shutdown.begun) reason = why
    shutdown.begin(0, DRAIN_MS)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopBecause(signal))
  // A log file is opened again on SIGHUP. Without one, the signal says that the terminal is gone.
  if (logFile === undefined) process.on('SIGHUP', stopBecause('SIGHUP'))
  process.once('disconnect', stopBecause('the supervisor has ended'))
  try {
    await app.listen({ host: '127.0.0.1', port: wanted.port })
  } catch (error) {
    // Stopped before it was listening.
    if (shutdown.begun) return
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new MisuseError(portTakenMessage(wanted))
    throw error
  }
  const logStop = logService(app.log, { port: wanted.port, instance })
  process.prependOnceListener('exit', (exitCode) => logStop({ reason, exit_code: exitCode }))
  // The channel may have closed before the listener above was added.
  if (process.connected === false) stopBecause('the supervisor has ended')()
}
