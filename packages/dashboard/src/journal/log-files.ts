import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Timeline } from '../counts/timeline.ts'
import { FileTail } from '../tail/file-tail.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { Backfill } from './backfill.ts'
import { FileLog } from './file-log.ts'
import { Journal } from './journal.ts'

const POLL_MS = 150

/** Reads all log files of the dashboard. */
export class LogFiles {
  readonly journal: Journal
  readonly all: readonly { readonly log: FileLog; readonly tail: FileTail }[]
  readonly #backfill: Backfill
  #resolveFirstRead: () => void = () => {}
  readonly #firstRead = new Promise<void>((resolve) => {
    this.#resolveFirstRead = resolve
  })
  #isEnded = false

  /** `clock` is the reader's clock. */
  constructor(paths: readonly string[], clock: () => number = Date.now) {
    this.journal = new Journal(clock)
    this.#backfill = new Backfill(this.journal.traces)
    // A path that is given twice is read once.
    this.all = [...new Set(paths)].map((path) => {
      const log = new FileLog(path, this.journal)
      return { log, tail: new FileTail(path, log) }
    })
  }

  /** Sets the limits that counting needs. Call it before lines are read. */
  judgeBy({ failingShare, healthyShare, objective }: Thresholds): void {
    const slowerThanMs = objective?.latencyMs ?? Number.POSITIVE_INFINITY
    this.journal.services.limits = { failingShare, healthyShare, slowerThanMs }
  }

  /** All timelines with counts. */
  get timelines(): readonly Timeline[] {
    const unnamed = this.all.map(({ log }) => log.unnamed).filter((timeline) => timeline !== undefined)
    return [this.journal.named, ...unnamed]
  }

  /** Bytes of older lines in large files: read so far, and in total. Both are 0 when no backfill is running. */
  get backfilling(): { readonly read: number; readonly all: number } {
    const logs = this.all.flatMap(({ log }) => log.backfilling)
    const all = logs.reduce((sum, { liveFrom }) => sum + liveFrom, 0)
    return { read: all - logs.reduce((sum, { unreadBefore }) => sum + unreadBefore, 0), all }
  }

  /** Fulfils after the first poll of every file. */
  get firstRead(): Promise<void> {
    return this.#firstRead
  }

  /** Reads the bytes added since the last poll, one file after the other. */
  async poll(): Promise<void> {
    for (const { tail } of this.all) await tail.poll()
    this.#resolveFirstRead()
  }

  /** Reads the next older block of each large file. Returns whether there was one. */
  async backfill(): Promise<boolean> {
    let hasRead = false
    for (const { log } of this.all) {
      const [next] = log.backfilling
      if (next === undefined) continue
      hasRead = true
      await this.#backfill.step(log, next)
    }
    return hasRead
  }

  /** Polls several times per second until `end()`. Reads older lines in between. */
  async follow(): Promise<void> {
    void this.#readOlder()
    while (!this.#isEnded) {
      await this.poll()
      await delay(POLL_MS)
    }
  }

  /** Stops reading: treats unfinished last lines as complete and closes the files. */
  async end(): Promise<void> {
    this.#isEnded = true
    for (const { log } of this.all) {
      log.flush()
      await log.close()
    }
  }

  async #readOlder(): Promise<void> {
    while (!this.#isEnded) {
      // Yield between blocks, so that requests and new lines are served.
      if (await this.backfill()) await nextTurn()
      else await delay(POLL_MS)
    }
  }
}
