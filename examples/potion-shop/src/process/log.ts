import { createLogger, type LineSink } from 'escudo/pino'
import { RotatingFile } from 'escudo/rotation'

/** The log of a process. */
export interface ProcessLog {
  readonly logger: ReturnType<typeof createLogger>
  /** Closes the file. Lines that come later are still written. */
  readonly close: () => void
}

/** Larger than the log of a day of demos. The active file keeps its name, so that the dashboard can follow it. */
const ROTATION = { size: '256M', interval: '1d', filesMax: 7 } as const

/**
 * Creates the log of a process: its lines go to a file, which is rotated, and to the standard output.
 *
 * @param path the file; undefined for none. SIGHUP opens it again
 * @param sink gets each line too
 */
export function createLog(
  service: string,
  path: string | undefined,
  sink: readonly LineSink[] = [],
  stdout = true,
): ProcessLog {
  if (path === undefined) return { logger: createLogger({ service, stdout, sink }), close: () => {} }
  const file = new RotatingFile(path, ROTATION)
  const reopen = (): void => file.reopen()
  process.on('SIGHUP', reopen)
  return {
    logger: createLogger({ service, stdout, sink: [file, ...sink] }),
    close: () => {
      process.off('SIGHUP', reopen)
      file.close()
    },
  }
}
