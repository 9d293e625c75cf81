import { LogShipper } from 'escudo/log-shipper'
import { createLogger, type LineSink } from 'escudo/pino'
import { RotatingFile } from 'escudo/rotation'

/** The log of a process. */
export interface ProcessLog {
  readonly logger: ReturnType<typeof createLogger>
  /** Closes the file and sends what waits for the log engine. Lines that come later are still written and sent. */
  readonly close: () => Promise<void>
}

/** Where the lines of a process go. */
export interface LogDestinations {
  /** A file, which is rotated. SIGHUP opens it again. */
  readonly file: string | undefined
  /** The URL of a log engine. */
  readonly engine: string | undefined
  /** The name of the instance, in each line. Default: none. */
  readonly instance?: string | undefined
  /** They get each line too. Default: none. */
  readonly sinks?: readonly LineSink[]
  /** Default true. */
  readonly stdout?: boolean
}

/** Larger than the log of a day of demos. The active file keeps its name, so that the dashboard can follow it. */
const ROTATION = { size: '256M', interval: '1d', filesMax: 7 } as const
/** Less than the time that a service has to stop. */
const FLUSH_WITHIN = '2s'

/** Creates the log of a process. */
export function createLog(service: string, destinations: LogDestinations): ProcessLog {
  const { instance, sinks = [], stdout = true } = destinations
  const file = destinations.file === undefined ? undefined : new RotatingFile(destinations.file, ROTATION)
  const shipper = destinations.engine === undefined ? undefined : new LogShipper({ url: destinations.engine })
  const reopen = (): void => file?.reopen()
  if (file !== undefined) process.on('SIGHUP', reopen)
  const sink = [file, shipper, ...sinks].filter((each) => each !== undefined)
  const logger = createLogger({ service, stdout, sink })
  return {
    // The process id tells a restarted instance from the one before.
    logger: instance === undefined ? logger : logger.child({ instance, pid: process.pid }),
    close: async () => {
      process.off('SIGHUP', reopen)
      file?.close()
      await shipper?.flush(FLUSH_WITHIN)
    },
  }
}
