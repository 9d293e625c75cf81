import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { Backfill } from './backfill.ts'
import { FileLog } from './file-log.ts'
import { FileTail } from '../tail/file-tail.ts'
import { Journal } from './journal.ts'
import type { Timeline } from '../counts/timeline.ts'

const POLL_MS = 150

/** The files that the dashboard reads. */
export class LogFiles {
  readonly journal: Journal = new Journal()
  readonly all: readonly { readonly log: FileLog; readonly tail: FileTail }[]
  readonly #backfill: Backfill
  #toldFirst: () => void = () => {}
  readonly #first = new Promise<void>((resolve) => {
    this.#toldFirst = resolve
  })
  #isEnded = false

  constructor(paths: readonly string[]) {
    this.#backfill = new Backfill(this.journal.traces)
    // A file that is named twice is one file.
    this.all = [...new Set(paths)].map((path) => {
      const log = new FileLog(path, this.journal)
      return { log, tail: new FileTail(path, log) }
    })
  }

  /** What was counted by time. */
  get timelines(): readonly Timeline[] {
    const unnamed = this.all.map(({ log }) => log.unnamed).filter((timeline) => timeline !== undefined)
    return [this.journal.named, ...unnamed]
  }

  /** Bytes of older lines, of large files: those that were read, and all. Both 0 when nothing is being read. */
  get backfilling(): { readonly read: number; readonly all: number } {
    const logs = this.all.flatMap(({ log }) => log.backfilling)
    const all = logs.reduce((sum, { liveFrom }) => sum + liveFrom, 0)
    return { read: all - logs.reduce((sum, { unreadBefore }) => sum + unreadBefore, 0), all }
  }

  /** When every file was looked at once. */
  get firstRead(): Promise<void> {
    return this.#first
  }

  /** Reads what came since the last time, one file after the other. */
  async poll(): Promise<void> {
    for (const { tail } of this.all) await tail.poll()
    this.#toldFirst()
  }

  /** Reads the next older stretch of each large file; says whether there was any. */
  async backfill(): Promise<boolean> {
    let any = false
    for (const { log } of this.all) {
      const [next] = log.backfilling
      if (next === undefined) continue
      any = true
      await this.#backfill.step(log, next)
    }
    return any
  }

  /** Reads on, several times a second, until the end; older lines are read in between. */
  async follow(): Promise<void> {
    void this.#readOlder()
    while (!this.#isEnded) {
      await this.poll()
      await delay(POLL_MS)
    }
  }

  /** Takes last lines without a newline as they stand, and closes the files: nothing more is going to come. */
  async end(): Promise<void> {
    this.#isEnded = true
    for (const { log } of this.all) {
      log.flush()
      await log.close()
    }
  }

  async #readOlder(): Promise<void> {
    while (!this.#isEnded) {
      // A turn for answers and for the lines that come now, between any two stretches.
      if (await this.backfill()) await nextTurn()
      else await delay(POLL_MS)
    }
  }
}
