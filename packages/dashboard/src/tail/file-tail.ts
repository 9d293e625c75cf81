import { type FileHandle, open, stat } from 'node:fs/promises'
import { lineStart } from './line-start.ts'
import { OpenLog } from './open-log.ts'

const CHUNK_BYTES = 1_048_576
const HEAD_BYTES = 256
/** A file that is longer than this when it is opened is read from its end first. */
const FORWARD_BYTES_MAX = 4_194_304
/** How much of its end comes before all else. */
const END_BYTES = 1_048_576

/** Where a file stands. */
export type TailState = 'waiting' | 'reading' | 'unreadable'

/** Hears what a tail reads. */
export interface TailSink {
  /** A file was opened, or began anew under the same name: what comes from now on is its. */
  readonly begin: (log: OpenLog) => void
  /** The next bytes; `end` is the offset behind them. They are not to be kept: the buffer is used again. */
  readonly push: (bytes: Buffer, end: number) => void
  /** Nothing more comes of this file: it was replaced by another, or its bytes were. */
  readonly end: (log: OpenLog, how: 'replaced' | 'restarted') => void
}

/**
 * Follows a file as it grows. It survives what log rotation does: a rename (the old file is read to its end first), a
 * truncation, a truncation that was written over again, a file that vanishes and comes back, one that is not there yet.
 * A large file is read from near its end on; the sink finds in the {@link OpenLog} what stands before.
 */
export class FileTail {
  readonly path: string
  readonly #sink: TailSink
  // One read buffer for all: tails are polled one after the other.
  static readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #log: OpenLog | undefined
  #offset = 0
  #head: Buffer = Buffer.alloc(0)
  #state: TailState = 'waiting'
  #restarts = 0

  constructor(path: string, sink: TailSink) {
    this.path = path
    this.#sink = sink
  }

  get state(): TailState {
    return this.#state
  }

  /** How often the file began anew under the same name, by truncation. */
  get restarts(): number {
    return this.#restarts
  }

  /** Reads all that came since the last time. Never rejects: a file that cannot be read is tried again. */
  async poll(): Promise<void> {
    try {
      await this.#readOn()
      if (await this.#replaced()) {
        // Once more to the end: the writer may have written on until it took the new file.
        await this.#readOn()
        const old = this.#log
        this.#log = undefined
        if (old !== undefined) this.#sink.end(old, 'replaced')
        await this.#readOn()
      }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      this.#state = missing ? 'waiting' : 'unreadable'
    }
  }

  async #readOn(): Promise<void> {
    let log = this.#log ?? (await this.#open())
    this.#state = 'reading'
    const { size } = await log.file.stat()
    if (size < this.#offset || (size > this.#offset && (await this.#headChanged(log.file)))) {
      this.#restarts += 1
      this.#sink.end(log, 'restarted')
      log = this.#begin(new OpenLog(this.path, log.file, 0))
    }
    if (this.#head.length < Math.min(HEAD_BYTES, size)) this.#head = await head(log.file, Math.min(HEAD_BYTES, size))
    await this.#drain(log.file, size)
  }

  async #open(): Promise<OpenLog> {
    // Asked before it is opened: opening a pipe would wait for its writer.
    if (!(await stat(this.path)).isFile()) throw new Error('not a regular file')
    const file = await open(this.path, 'r')
    const { size } = await file.stat()
    const liveFrom = size > FORWARD_BYTES_MAX ? await lineStart(file, size - END_BYTES) : 0
    return this.#begin(new OpenLog(this.path, file, liveFrom))
  }

  #begin(log: OpenLog): OpenLog {
    this.#log = log
    this.#offset = log.liveFrom
    this.#head = Buffer.alloc(0)
    this.#sink.begin(log)
    return log
  }

  /** Whether the path now names another file than the one that is open. */
  async #replaced(): Promise<boolean> {
    if (this.#log === undefined) return false
    const mine = await this.#log.file.stat()
    try {
      const named = await stat(this.path)
      return named.ino !== mine.ino || named.dev !== mine.dev
    } catch {
      return false
    }
  }

  async #headChanged(file: FileHandle): Promise<boolean> {
    return this.#head.length > 0 && !(await head(file, this.#head.length)).equals(this.#head)
  }

  /** Up to the size that it had, and no further: a file that grows without pause must not keep the others waiting. */
  async #drain(file: FileHandle, size: number): Promise<void> {
    while (this.#offset < size) {
      const wanted = Math.min(CHUNK_BYTES, size - this.#offset)
      const { bytesRead } = await file.read(FileTail.#buffer, 0, wanted, this.#offset)
      if (bytesRead === 0) return
      this.#offset += bytesRead
      this.#sink.push(FileTail.#buffer.subarray(0, bytesRead), this.#offset)
    }
  }
}

async function head(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}
