import { setTimeout as delay } from 'node:timers/promises'
import { FileLog } from './file-log.ts'
import { FileTail } from './file-tail.ts'

const POLL_MS = 200

/** The files that the dashboard reads. */
export class LogFiles {
  readonly all: readonly { readonly log: FileLog; readonly tail: FileTail }[]

  constructor(paths: readonly string[]) {
    // A file that is named twice is one file.
    this.all = [...new Set(paths)].map((path) => {
      const log = new FileLog(path)
      return { log, tail: new FileTail(path, log.lines) }
    })
  }

  /** Reads what came since the last time, one file after the other. */
  async poll(): Promise<void> {
    for (const { tail } of this.all) await tail.poll()
  }

  /** Reads on, several times a second, for as long as the process lives. */
  async follow(): Promise<never> {
    while (true) {
      await this.poll()
      await delay(POLL_MS)
    }
  }

  /** Takes last lines without a newline as they stand: nothing more is going to come. */
  async end(): Promise<void> {
    for (const { log, tail } of this.all) {
      log.lines.flush()
      await tail.close()
    }
  }
}
