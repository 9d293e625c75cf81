import { clearTimeout, setTimeout } from 'node:timers'
import { withAmbient } from '../core/context/ambient.ts'
import { untraced } from '../core/context/tracer.ts'
import { warn } from '../core/events/events.ts'
import { type Duration, toMs } from '../core/options/durations.ts'
import { shield } from '../core/shield.ts'
// The whole subpath, so that its built file stays one file.
import { resilientFetch } from '../http/index.ts'
import { retry } from '../policies/retry/retry.ts'
import { timeout } from '../policies/timeout/timeout.ts'
import { type Flushable, flushAtEnd, flushNoLongerAtEnd, watchExit } from '../telemetry/flush-at-end.ts'
import type { LineSink } from '../telemetry/line-file.ts'
import { Losses, registerLosses } from '../telemetry/lost-lines.ts'
import { type Batch, LineQueue } from './line-queue.ts'
import { type LogShipperOptions, readShipper, type ShipperSettings } from './options.ts'
import { sendAtEnd } from './send-at-end.ts'

const TIMEOUT_MS = 10_000
/** The delay before a batch is sent again, after its shield has made its own retries. */
const AGAIN_MS = 2_000
const LOST_NO_ROOM = 'FULL'
const LOST_AT_EXIT = 'EXIT'

type Sent = 'arrived' | 'refused' | 'failed'

/**
 * Sends log lines to a log engine: VictoriaLogs, Loki, and others that take JSON lines or Loki's push API.
 *
 * Lines wait in memory and are sent in batches, oldest first, until the engine confirms them. While it is not reachable,
 * they wait, up to `waitingLengthMax`; further ones are dropped and counted, as are those that the engine refuses: see
 * `linesLost`, the metric `escudo_log_lines_lost_total` and the line `log.lines_lost`. `write` never waits and never
 * throws. A batch whose answer was lost is sent again, so a line may arrive twice.
 *
 * An exit of the process, or a signal that ends it, sends what waits through a child process, which takes some 60 ms and
 * at most 3 s; call {@link flush} before to avoid that. `kill -9` loses what waits. Log to a file too, which loses less.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { LogShipper } from 'escudo/log-shipper'
 * import { createLogger } from 'escudo/pino'
 *
 * const shipper = new LogShipper({ url: 'http://127.0.0.1:9428/insert/jsonline' })
 * const log = createLogger({ service: 'potion-shop', level: 'silent', sink: shipper })
 * log.info({ user_id: 'bob' }, 'order_paid')
 * console.log(await shipper.flush('2s')) // true: nothing waits
 * ```
 */
export class LogShipper implements LineSink {
  readonly #settings: ShipperSettings
  readonly #queue: LineQueue
  readonly #losses = registerLosses(this, new Losses())
  readonly #fetch: typeof fetch
  #timer: NodeJS.Timeout | undefined
  #isSending = false
  #linesShipped = 0
  #waiters: (() => void)[] = []
  #hasWarned = false
  #hasEnded = false
  readonly #atEnd: Flushable = { flush: (isLast) => this.#flushAtEnd(isLast) }

  constructor(options: LogShipperOptions) {
    const settings = readShipper(options)
    const { name, shield: given, batchLengthMax, waitingLengthMax } = settings
    this.#settings = settings
    this.#queue = new LineQueue(batchLengthMax, waitingLengthMax)
    this.#fetch = resilientFetch({
      name,
      shield: given ?? shield(name, retry(), timeout(TIMEOUT_MS)),
      deadlineHeader: false,
      propagate: { traceparent: false },
    })
    watchExit()
  }

  /** How many lines the engine has confirmed. */
  get linesShipped(): number {
    return this.#linesShipped
  }

  /** How many lines wait, including those that are being sent. */
  get linesWaiting(): number {
    return this.#queue.count
  }

  /** How many lines were dropped, because there was no room or the engine refused them. */
  get linesLost(): number {
    return this.#losses.total
  }

  /** Adds a line to those that wait. */
  write(line: string): void {
    if (this.#hasEnded || !this.#queue.add(line)) {
      this.#losses.lost(this.#hasEnded ? LOST_AT_EXIT : LOST_NO_ROOM)
      return
    }
    if (this.#queue.count === 1) flushAtEnd(this.#atEnd)
    if (this.#isSending) return
    if (this.#queue.hasFullBatch) this.#send()
    else this.#timer ??= this.#after(this.#settings.flushIntervalMs)
  }

  /**
   * Sends what waits now, and waits for it. Call it when the service stops, after its last request.
   *
   * @param within the longest wait. Default 5 s
   * @returns whether nothing waits anymore
   * @throws ConfigurationError for an invalid duration
   */
  async flush(within: Duration = '5s'): Promise<boolean> {
    const withinMs = toMs(within, 'LogShipper.flush')
    if (this.#queue.count === 0) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
      // Also ends the pause after a failure.
      if (this.#timer !== undefined || !this.#isSending) this.#send()
    })
    return this.#queue.count === 0
  }

  #after(delayMs: number): NodeJS.Timeout {
    // Outside the request of the line. The function is Node's own, also while a test fakes timers.
    return withAmbient(undefined, () => setTimeout(() => this.#send(), delayMs).unref())
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isSending = true
    void untraced(() => this.#sendAll())
  }

  async #sendAll(): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      // The last batch waits for further lines, unless the interval is over.
      const isDue = isFirst || this.#queue.hasFullBatch || this.#waiters.length > 0
      const batch = isDue ? this.#queue.take() : undefined
      if (batch === undefined) break
      const sent = await this.#sendBatch(batch)
      if (sent === 'failed') {
        // `#isSending` stays true: a line must not start another sending.
        this.#timer = this.#after(AGAIN_MS)
        return
      }
      this.#queue.drop()
      if (this.#queue.count === 0) flushNoLongerAtEnd(this.#atEnd)
      if (sent === 'arrived') {
        this.#linesShipped += batch.count
        this.#losses.written()
      }
    }
    this.#isSending = false
    if (this.#queue.count > 0) {
      this.#timer ??= this.#after(this.#settings.flushIntervalMs)
      return
    }
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  async #sendBatch({ lines, count }: Batch): Promise<Sent> {
    const { url, body, headers } = this.#settings
    try {
      const response = await this.#fetch(url, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': body.contentType,
          // Lets the shield send it again. Engines ignore it, so a line may arrive twice.
          'idempotency-key': crypto.randomUUID(),
        },
        body: body.of(lines),
      })
      const answer = await response.text()
      if (response.ok) return 'arrived'
      if (isTemporary(response.status)) return 'failed'
      this.#losses.lost(`HTTP_${response.status}`, count)
      this.#warnOnce(response.status, answer)
      return 'refused'
    } catch {
      // The events of the shield tell why.
      return 'failed'
    }
  }

  #warnOnce(status: number, answer: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const { name } = this.#settings
    warn(`${name} refuses log lines with ${status}: ${answer.slice(0, 200).trim()}`, 'ESCUDO_LOG_SHIPPER')
  }

  /** Sends what waits while the process ends. */
  #flushAtEnd(isLast: boolean): void {
    if (!isLast) {
      // Waiting for a child process would block the service while it stops.
      if (!this.#isSending) this.#send()
      return
    }
    this.#hasEnded = true
    const batches = [...this.#queue.all()]
    const arrived = sendAtEnd(batches, this.#settings)
    for (const [index, { count }] of batches.entries()) {
      this.#queue.drop()
      if (index < arrived) this.#linesShipped += count
      else this.#losses.lost(LOST_AT_EXIT, count)
    }
  }
}

/** The statuses after which the same request can succeed, as for `resilientFetch`. */
function isTemporary(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}
