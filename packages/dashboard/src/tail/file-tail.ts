import { type FileHandle, open, stat } from 'node:fs/promises'
import { SLACK_BYTES } from '../lines/scan/words.ts'
import { FileIdentities, identityOf } from './file-identities.ts'
import { wholeLineStart } from './line-start.ts'
import { OpenLog } from './open-log.ts'
import type { Tail, TailSink, TailState } from './tail.ts'

const CHUNK_BYTES = 1_048_576
/** Enough for the directives with which some formats begin. */
const HEAD_BYTES = 1_024
/** A file longer than this when opened is read from its end first. */
export const FORWARD_BYTES_MAX = 4_194_304
/** The size of the end that is read first. */
export const END_BYTES = 1_048_576
/** A deleted file to which nothing was added for so many polls, some ten minutes, is closed: its disk space is free then. */
export const QUIET_POLLS_MAX = 4_000

/**
 * Follows a file as it grows, through log rotation.
 *
 * It handles a rename (it reads the old file to its end first), a truncation, a truncation followed by new bytes, a file
 * that disappears and returns, a file that does not exist yet, and a file that another path already reads. It reads a
 * large file from near its end; the {@link OpenLog} says which bytes before that remain unread.
 */
export class FileTail implements Tail {
  readonly path: string
  readonly note: string | undefined = undefined
  readonly #sink: TailSink
  readonly #identities: FileIdentities
  // All tails share one read buffer, because they are polled one after the other.
  static readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES + SLACK_BYTES)
  #log: OpenLog | undefined
  #state: TailState = 'waiting'
  #restarts = 0
  /** The names of the open file, and the polls since it was last longer. */
  #names = 1
  #quietPolls = 0

  constructor(path: string, sink: TailSink, identities: FileIdentities = new FileIdentities()) {
    this.path = path
    this.#sink = sink
    this.#identities = identities
  }

  get state(): TailState {
    return this.#state
  }

  /** How many times the file was truncated. */
  get restarts(): number {
    return this.#restarts
  }

  /** Goes on with the file that an earlier process read. It read `rotated` before. Call it before the first poll. */
  resume(log: OpenLog | undefined, rotated: readonly OpenLog[]): void {
    this.#log = log
    for (const one of log === undefined ? rotated : [...rotated, log]) this.#identities.hold(one.identity, this, one)
  }

  /** Reads the bytes added since the last poll. Never rejects: the next poll retries an unreadable file. */
  async poll(): Promise<void> {
    try {
      await this.#readOn()
      const named = await this.#named()
      if (named === 'other') {
        // Read the old file once more: the writer may have appended to it until it opened the new one.
        await this.#readOn()
        const old = this.#log
        this.#log = undefined
        if (old !== undefined) this.#sink.end(old, 'replaced')
        await this.#readOn()
        // A deleted file is read on through its handle, but the path has none.
      } else if (named === 'none') {
        this.#state = 'waiting'
        this.#dropDeleted()
      }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      this.#state = missing ? 'waiting' : 'unreadable'
    }
  }

  /** Does nothing: the reader of the log closes its handle. */
  async close(): Promise<void> {}

  /** Closes a file that no other process can open again, once nothing seems to write to it. */
  #dropDeleted(): void {
    const log = this.#log
    this.#quietPolls += 1
    if (log === undefined || log.isBackfilling || this.#names > 0 || this.#quietPolls < QUIET_POLLS_MAX) return
    this.#log = undefined
    this.#sink.end(log, 'deleted')
  }

  async #readOn(): Promise<void> {
    let log = this.#log ?? (await this.#open())
    if (log === undefined) {
      this.#state = 'same'
      return
    }
    this.#state = 'reading'
    const { size, mtimeMs, nlink } = await log.file.stat()
    this.#names = nlink
    if (size !== log.readTo) this.#quietPolls = 0
    if (size < log.readTo || (size > log.readTo && (await headChanged(log)))) {
      this.#restarts += 1
      this.#sink.end(log, 'restarted')
      const again = new OpenLog(this.path, log.file, 0, mtimeMs)
      log = this.#begin(again, log.identity)
    }
    if (log.head.length < Math.min(HEAD_BYTES, size)) log.head = await head(log.file, Math.min(HEAD_BYTES, size))
    await this.#drain(log, size)
  }

  /** Opens the file; undefined if another path reads it. */
  async #open(): Promise<OpenLog | undefined> {
    // Check before opening: opening a pipe would wait for its writer.
    const named = await stat(this.path, { bigint: true })
    if (!named.isFile()) throw new Error('not a regular file')
    if (this.#isRead(identityOf(named))) return undefined
    const file = await open(this.path, 'r')
    try {
      const stats = await file.stat()
      const identity = identityOf(await file.stat({ bigint: true }))
      const resumed = await this.#readBefore(file, stats.size, identity)
      const start = resumed ?? (stats.size > FORWARD_BYTES_MAX ? await wholeLineStart(file, stats.size - END_BYTES) : 0)
      const log = new OpenLog(this.path, file, start, stats.mtimeMs)
      // Between the check and the opening, another file may have got this name.
      if (this.#isRead(identity)) {
        await file.close()
        return undefined
      }
      if (resumed !== undefined) log.unreadBefore = 0
      return this.#begin(log, identity)
    } catch (error) {
      // The next poll opens it again.
      if (this.#log?.file === file) {
        const log = this.#log
        this.#log = undefined
        await log.close().catch(() => {})
      } else await file.close().catch(() => {})
      throw error
    }
  }

  #isRead(identity: string): boolean {
    const known = this.#identities.open(identity)
    return known !== undefined && known.owner !== this
  }

  /** The offset up to which the file was read under another name, or under this one before. */
  async #readBefore(file: FileHandle, size: number, identity: string): Promise<number | undefined> {
    const open = this.#identities.open(identity)
    if (open !== undefined) return open.log.readTo
    const closed = this.#identities.closed(identity)
    if (closed === undefined || size < closed.offset) return undefined
    return (await head(file, closed.head.length)).equals(closed.head) ? closed.offset : undefined
  }

  #begin(log: OpenLog, identity: string): OpenLog {
    this.#log = log
    this.#identities.hold(identity, this, log)
    this.#sink.begin(log)
    return log
  }

  /** What the path refers to now: the open file, another one, or none. */
  async #named(): Promise<'open' | 'other' | 'none'> {
    if (this.#log === undefined) return 'open'
    const { identity } = this.#log
    try {
      return identityOf(await stat(this.path, { bigint: true })) === identity ? 'open' : 'other'
    } catch {
      return 'none'
    }
  }

  /** Reads up to `size` and no further, so that a file that grows constantly does not delay the others. */
  async #drain(log: OpenLog, size: number): Promise<void> {
    while (log.readTo < size) {
      const wanted = Math.min(CHUNK_BYTES, size - log.readTo)
      const { bytesRead } = await log.file.read(FileTail.#buffer, 0, wanted, log.readTo)
      if (bytesRead === 0) return
      log.readTo += bytesRead
      this.#sink.push(FileTail.#buffer.subarray(0, bytesRead), log.readTo)
    }
  }
}

async function headChanged(log: OpenLog): Promise<boolean> {
  return log.head.length > 0 && !(await head(log.file, log.head.length)).equals(log.head)
}

async function head(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}
