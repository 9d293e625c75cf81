import { Spool } from '../tail/spool.ts'
import type { Tail, TailState } from '../tail/tail.ts'
import type { FileLog } from './file-log.ts'

const NEWLINE = 10

/** What became of the lines that were added together. */
export interface Added {
  readonly read: number
  readonly recognised: number
  /** What the last line is that was not recognised; undefined if all were. */
  readonly hint: string | undefined
}

/** A source whose lines other programs send, and that is in no file. Its lines are copied into temporary files. */
export class Intake implements Tail {
  readonly path: string
  readonly restarts = 0
  readonly note: string | undefined = undefined
  readonly log: FileLog
  readonly #spool: Spool
  #adding: Promise<unknown> = Promise.resolve()
  #state: TailState = 'reading'

  constructor(path: string, log: FileLog) {
    this.path = path
    this.log = log
    this.#spool = new Spool(path, log, true)
  }

  get state(): TailState {
    return this.#state
  }

  /**
   * Adds the lines that `make` returns. They are stored and counted when the promise fulfils.
   *
   * Lines are made and added one call after the other: so they do not mix, and only one call's are in memory.
   *
   * @throws what `make` throws, or the error of the file system; then nothing was added
   */
  async add(make: () => Promise<Buffer>): Promise<Added> {
    const adding = this.#adding.then(() => this.#add(make))
    this.#adding = adding.catch(() => {})
    return await adding
  }

  async poll(): Promise<void> {}

  async close(): Promise<void> {
    this.#state = 'read'
    await this.#adding
  }

  async #add(make: () => Promise<Buffer>): Promise<Added> {
    const lines = await make()
    if (this.#state === 'read') throw new Error('the dashboard is ending')
    if (lines.length === 0) return { read: 0, recognised: 0, hint: undefined }
    const { facts } = this.log
    const { read, recognised } = facts
    facts.lastUnread = undefined
    // The lines of the next call must not continue the last one of these.
    const isWhole = lines.at(-1) === NEWLINE
    await this.#spool.add(isWhole ? lines : Buffer.concat([lines, Buffer.of(NEWLINE)]))
    return {
      read: facts.read - read,
      recognised: facts.recognised - recognised,
      hint: this.log.facts.lastUnread?.text,
    }
  }
}
