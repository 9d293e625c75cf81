import { clearTimeout, setTimeout } from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import { withAmbient } from '../core/context/ambient.ts'
import { isFakeFunction } from '../core/system-time.ts'
import { flushAtEnd, flushNoLongerAtEnd, isEnding, watchExit } from './flush-at-end.ts'
import { joined } from './line-text.ts'

/** 64 KiB: lines are mostly ASCII, which has one byte per character. */
export const BATCH_LENGTH_MAX = 65_536

/** The batch whose lines wait, by file or pipe. Each logger of a file has a batch, but only one of them waits. */
const waitingFor = new Map<string, LineBatch>()

/**
 * Collects the lines of one destination and writes them together, because a system call costs more than a line.
 *
 * The first line after a pause is written at once, so that a quiet service shows its lines without delay. Further lines
 * wait until the interval is over or the batch is full.
 *
 * pino's own destination, sonic-boom, collects lines too. It is not used because it leaves half a line on a full disk,
 * does not count the lines that are lost, keeps lines without a bound while it cannot write, and because a line costs
 * as much there as with a system call for each.
 */
export class LineBatch {
  /** Called after lines were written. */
  onWritten: (() => void) | undefined
  /** The longest text that waits, in characters. */
  lengthMax: number = BATCH_LENGTH_MAX
  /**
   * The file or pipe, so that the lines of several batches for it keep their order. Empty while it is closed: no line
   * waits then. Changes only while no line waits.
   */
  target = ''
  readonly #write: (lines: string) => void
  #intervalMs: number | undefined
  #lines = ''
  /** Whether lines were written less than an interval ago. Further ones wait. */
  #isOpen = false
  #timer: NodeJS.Timeout | undefined
  #endsAtMs = 0

  constructor(write: (lines: string) => void) {
    this.#write = write
  }

  /** How long a line waits at most; 0 writes each line at once. The shortest interval of several loggers applies. */
  useInterval(intervalMs: number): void {
    // A thread can be ended at any time, without an event.
    this.#intervalMs = isMainThread ? Math.min(intervalMs, this.#intervalMs ?? intervalMs) : 0
    if (this.#intervalMs > 0) watchExit()
    this.#close()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  add(line: string): void {
    // A test that fakes the time would wait in vain.
    if (!this.#isOpen || this.target === '' || isEnding() || isTimeFake()) {
      this.flush()
      this.#writeNow(line)
      this.#open()
      return
    }
    this.#holder().#append(line)
  }

  /** The batch that a line joins: the one that waits for the same file or pipe, unless its interval is longer. */
  #holder(): LineBatch {
    const other = this.#waiting()
    if (other === undefined) return this
    if (other.#intervalMs !== undefined && other.#intervalMs <= (this.#intervalMs ?? 0)) return other
    other.#writeLines()
    return this
  }

  #append(line: string): void {
    if (this.#lines !== '' && this.#lines.length + line.length > this.lengthMax) this.#writeLines()
    if (this.#lines === '') {
      flushAtEnd(this)
      waitingFor.set(this.target, this)
    }
    this.#lines = joined(this.#lines, line)
    // The timer is late where a program blocks the event loop.
    if (this.#lines.length >= this.lengthMax || Date.now() >= this.#endsAtMs) this.#writeLines()
  }

  /** The batch whose lines wait for the same file or pipe: this one or another. */
  #waiting(): LineBatch | undefined {
    if (this.#lines !== '') return this
    // Mostly no batch waits.
    return waitingFor.size === 0 ? undefined : waitingFor.get(this.target)
  }

  /** Writes the lines that wait for this file or pipe, here or in another batch. */
  flush(): void {
    const batch = this.#waiting()
    if (batch !== undefined) batch.#writeLines()
  }

  #writeLines(): void {
    const lines = this.#lines
    if (lines === '') return
    this.#lines = ''
    waitingFor.delete(this.target)
    this.#endsAtMs = Date.now() + (this.#intervalMs ?? 0)
    this.#writeNow(lines)
  }

  #writeNow(lines: string): void {
    this.#write(lines)
    this.onWritten?.()
  }

  #open(): void {
    const intervalMs = this.#intervalMs ?? 0
    if (intervalMs === 0 || isEnding()) return
    this.#isOpen = true
    this.#endsAtMs = Date.now() + intervalMs
    if (this.#timer !== undefined) this.#timer.refresh()
    // Outside the request of this line. The function is Node's own, also while a test fakes timers.
    else this.#timer = withAmbient(undefined, () => setTimeout(() => this.#end(), intervalMs).unref())
  }

  /** Ends an interval. Another one follows if lines have come. */
  #end(): void {
    if (this.#lines === '') {
      this.#close()
      return
    }
    this.#writeLines()
    this.#timer?.refresh()
  }

  #close(): void {
    this.#writeLines()
    this.#isOpen = false
    flushNoLongerAtEnd(this)
  }
}

function isTimeFake(): boolean {
  return globalThis.setTimeout !== setTimeout && isFakeFunction(globalThis.setTimeout)
}

interface Registered {
  readonly batch: LineBatch
  readonly write: Write
}

/** The batch of each destination, so that its class needs no public member for it. */
const batches = new WeakMap<object, Registered>()

type Write = (line: string) => void

/**
 * Makes the batch of a destination known to {@link batchOf}.
 *
 * @param write the method that the batch replaces; a subclass may have another one
 */
export function registerBatch(sink: object, batch: LineBatch, write: Write): LineBatch {
  batches.set(sink, { batch, write })
  return batch
}

/** The batch of a destination of escudo; undefined for others, and for one whose method `write` was replaced. */
export function batchOf(sink: { readonly write: Write }): LineBatch | undefined {
  const registered = batches.get(sink)
  return registered?.write === sink.write ? registered?.batch : undefined
}
