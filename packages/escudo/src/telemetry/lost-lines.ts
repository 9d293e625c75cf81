/** Lines that a destination could not write. */
export interface LostLines {
  readonly count: number
  /** The system's code of the last failure, such as `ENOSPC`; `STALLED` for a reader that does not read. */
  readonly reason: string
  /** When the first of them was lost: milliseconds since 1970. */
  readonly sinceMs: number
}

/** The reasons with a separate series in the metrics. Others are counted as `other`. */
export const LOSS_REASONS = ['ENOSPC', 'EMFILE', 'EPIPE', 'STALLED', 'other'] as const

const REASON_OF: Readonly<Record<string, (typeof LOSS_REASONS)[number]>> = {
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EFBIG: 'ENOSPC',
  EMFILE: 'EMFILE',
  ENFILE: 'EMFILE',
  EPIPE: 'EPIPE',
  STALLED: 'STALLED',
}

const counts = new Map<string, number>(LOSS_REASONS.map((reason) => [reason, 0]))

/** How many lines this process has lost, by reason. */
export function lostLines(): ReadonlyMap<string, number> {
  return counts
}

/** Counts the losses of one destination until it writes again. */
export class Losses {
  /** Called when lines were written after others were lost. */
  onRecovered: ((lost: LostLines) => void) | undefined
  #total = 0
  #open: { count: number; reason: string; readonly sinceMs: number } | undefined

  /** All lines that this destination has lost. */
  get total(): number {
    return this.#total
  }

  lost(reason: string | undefined, count = 1): void {
    const code = reason ?? 'other'
    this.#total += count
    this.#open ??= { count: 0, reason: code, sinceMs: Date.now() }
    this.#open.count += count
    this.#open.reason = code
    const series = REASON_OF[code] ?? 'other'
    counts.set(series, (counts.get(series) ?? 0) + count)
  }

  written(): void {
    if (this.#open === undefined) return
    const lost = this.#open
    this.#open = undefined
    this.onRecovered?.(lost)
  }
}

/** The losses of each destination, so that its class needs no public field for them. */
const lossesOf = new WeakMap<object, Losses>()

/** Makes the losses of a destination known to {@link reportLosses}. */
export function registerLosses(sink: object, losses: Losses): Losses {
  lossesOf.set(sink, losses)
  return losses
}

/** Makes the losses of a destination also those of another one, which writes through it. */
export function shareLosses(from: object, to: object): void {
  const losses = lossesOf.get(from)
  if (losses !== undefined) lossesOf.set(to, losses)
}

/** Writes one line, `log.lines_lost`, when a destination works again. */
export function reportLosses(sink: object, logger: { warn(fields: object, event: string): void }): void {
  const losses = lossesOf.get(sink)
  if (losses === undefined) return
  losses.onRecovered = ({ count, reason, sinceMs }) =>
    logger.warn({ lines_lost: count, reason, since: new Date(sinceMs).toISOString() }, 'log.lines_lost')
}
