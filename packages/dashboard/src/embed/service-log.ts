import { objectiveOf } from '../verdict/thresholds.ts'
import { CountedLines } from './counted-lines.ts'
import { countedLines } from './registry.ts'

/** Options of {@link ServiceLog}. */
export interface ServiceLogOptions {
  /**
   * How many bytes of lines are kept, so that the page can show the lines of a trace: at least 64 KiB. Default 16 MiB.
   * The counts need memory too; they are bounded as those of any dashboard.
   */
  readonly keptBytes?: number
  /** Judges by an objective, as `--slo` does: `'99.9'`, or `'99.9,300ms'` with a latency. Default: none. */
  readonly slo?: string
}

const KEPT_BYTES = 16_777_216
const KEPT_BYTES_MIN = 65_536

/**
 * Counts the log lines of this process, for a dashboard inside the service.
 *
 * It is a sink of `createLogger` from `escudo/pino` and `escudo/winston`, and a destination of pino. `write` only stores
 * the line. Lines are counted between other work, in at most a fifth of the time. Lines beyond 4 MiB that wait are lost;
 * the page says how many.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import { ServiceLog } from '@escudo/dashboard/fastify'
 * import { createLogger } from 'escudo/pino'
 *
 * const lines = new ServiceLog()
 * const log = createLogger({ service: 'potion-shop', sink: lines })
 * log.info('started')
 * ```
 */
export class ServiceLog {
  readonly #lines: CountedLines

  constructor(options: ServiceLogOptions = {}) {
    const { keptBytes = KEPT_BYTES, slo } = options
    for (const name of Object.keys(options))
      if (name !== 'keptBytes' && name !== 'slo') throw new TypeError(`ServiceLog: unknown option ${name}`)
    if (!Number.isInteger(keptBytes) || keptBytes < KEPT_BYTES_MIN)
      throw new TypeError(`ServiceLog.keptBytes: expected an integer of at least ${KEPT_BYTES_MIN}`)
    const objective = slo === undefined ? undefined : objectiveOf(String(slo))
    if (slo !== undefined && objective === undefined)
      throw new TypeError(`ServiceLog.slo: expected a percentage below 100 and a latency, such as '99.9,300ms'`)
    this.#lines = new CountedLines(keptBytes, objective)
    countedLines.set(this, this.#lines)
  }

  /** Takes a log line, with or without its newline. It never throws and never waits. */
  write(line: string): void {
    this.#lines.tail.add(String(line))
  }

  /** How many lines were lost because they came faster than they may be counted. */
  get linesLost(): number {
    return this.#lines.tail.lost
  }
}
