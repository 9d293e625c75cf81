import { hostname } from 'node:os'
import type { LineLogger } from './policy-log.ts'

/**
 * Logs the start of a service, and its stop: `service.start` and `service.stop`.
 *
 * Both lines have `instance`, with the host, the process id and the start time, which tells restarts apart. The stop is
 * also logged when the process exits without a call of the returned function, but not when it is killed.
 *
 * @param logger the logger of the service
 * @param fields additional fields of the start line, such as the port. A text `instance`, the name of one instance of
 * several, becomes the `name` in `instance`
 * @returns a function that logs the stop, with additional fields such as its reason; a second call does nothing
 * @example
 * ```ts
 * import { createLogger, logService } from 'escudo/pino'
 *
 * const stopped = logService(createLogger({ service: 'potion-shop' }), { port: 8000 })
 * stopped({ reason: 'SIGTERM' })
 * ```
 */
export function logService(logger: Pick<LineLogger, 'info'>, fields: object = {}): (fields?: object) => void {
  const startedMs = Date.now() - Math.round(process.uptime() * 1_000)
  const { instance: name } = fields as { readonly instance?: unknown }
  const instance = {
    ...(typeof name === 'string' ? { name } : {}),
    host: hostname(),
    pid: process.pid,
    started_at: new Date(startedMs).toISOString(),
  }
  logger.info({ ...fields, instance }, 'service.start')
  let isStopped = false
  const stop = (more: object = {}): void => {
    if (isStopped) return
    isStopped = true
    process.off('exit', onExit)
    logger.info({ ...more, instance, uptime_ms: Date.now() - startedMs }, 'service.stop')
  }
  const onExit = (exitCode: number): void => stop({ exit_code: exitCode })
  process.on('exit', onExit)
  return stop
}
