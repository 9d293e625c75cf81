import { type FileHandle, open, stat } from 'node:fs/promises'
import { lineStart } from './line-start.ts'
import { OpenLog } from './open-log.ts'

const CHUNK_BYTES = 1_048_576
const HEAD_BYTES = 256
/** A file longer than this when opened is read from its end first. */
const FORWARD_BYTES_MAX = 4_194_304
/** The size of the end that is read first. */
const END_BYTES = 1_048_576

/** The state of a followed file. */
export type TailState = 'waiting' | 'reading' | 'unreadable'

/** Receives what a tail reads. */
export interface TailSink {
  /** A file was opened or was truncated. The bytes that follow belong to `log`. */
  readonly begin: (log: OpenLog) => void
  /** Receives the next bytes; `end` is the offset after them. Copy them to keep them: the buffer is reused. */
  readonly push: (bytes: Buffer, end: number) => void
  /** The file ends: another file `replaced` it, or it was truncated and `restarted`. */
  readonly end: (log: OpenLog, how: 'replaced' | 'restarted') => void
}

/**
 * Follows a file as it grows, through log rotation.
 *
 * It handles a rename (it reads the old file to its end first), a truncation, a truncation followed by new bytes, a file
 * that disappears and returns, and a file that does not exist yet. It reads a large file from near its end; the
 * {@link OpenLog} says which bytes before that remain unread.
 */
export class FileTail {
  readonly path: string
  readonly #sink: TailSink
  // All tails share one read buffer, because they are polled one after the other.
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

  /** How many times the file was truncated. */
  get restarts(): number {
    return this.#restarts
  }

  /** Reads the bytes added since the last poll. Never rejects: the next poll retries an unreadable file. */
  async poll(): Promise<void> {
    try {
      await this.#readOn()
      if (await this.#replaced()) {
        // Read the old file once more: the writer may have appended to it until it opened the new one.
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
    // Check before opening: opening a pipe would wait for its writer.
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

  /** Whether the path now refers to a file other than the open one. */
  async #replaced(): Promise<boolean> {
    if (this.#log === undefined) return false
    const opened = await this.#log.file.stat()
    try {
      const named = await stat(this.path)
      return named.ino !== opened.ino || named.dev !== opened.dev
    } catch {
      return false
    }
  }

  async #headChanged(file: FileHandle): Promise<boolean> {
    return this.#head.length > 0 && !(await head(file, this.#head.length)).equals(this.#head)
  }

  /** Reads up to `size` and no further, so that a file that grows constantly does not delay the others. */
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
