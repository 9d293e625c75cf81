import { type FileHandle, open, stat } from 'node:fs/promises'
import type { LineSplitter } from './line-splitter.ts'

const CHUNK_BYTES = 1_048_576
const HEAD_BYTES = 256

/** Where a file stands. */
export type TailState = 'waiting' | 'reading' | 'unreadable'

/**
 * Follows a file as it grows. It survives what log rotation does: a rename (the old file is read to its end first), a
 * truncation, a truncation that was written over again, a file that vanishes and comes back, one that is not there yet.
 */
export class FileTail {
  readonly path: string
  readonly #lines: LineSplitter
  // One read buffer for all: tails are polled one after the other.
  static readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #file: FileHandle | undefined
  #offset = 0
  #head: Buffer = Buffer.alloc(0)
  #state: TailState = 'waiting'
  #restarts = 0

  constructor(path: string, lines: LineSplitter) {
    this.path = path
    this.#lines = lines
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
        await this.close()
        this.#lines.flush()
        this.#begin()
        await this.#readOn()
      }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      this.#state = missing ? 'waiting' : 'unreadable'
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #readOn(): Promise<void> {
    const file = this.#file ?? (await this.#open())
    this.#state = 'reading'
    const { size } = await file.stat()
    if (size < this.#offset || (size > this.#offset && (await this.#headChanged(file)))) {
      this.#restarts += 1
      this.#begin()
    }
    await this.#drain(file, size)
  }

  async #open(): Promise<FileHandle> {
    // Asked before it is opened: opening a pipe would wait for its writer.
    if (!(await stat(this.path)).isFile()) throw new Error('not a regular file')
    this.#file = await open(this.path, 'r')
    return this.#file
  }

  /** Whether the path now names another file than the one that is open. */
  async #replaced(): Promise<boolean> {
    if (this.#file === undefined) return false
    const mine = await this.#file.stat()
    try {
      const named = await stat(this.path)
      return named.ino !== mine.ino || named.dev !== mine.dev
    } catch {
      return false
    }
  }

  async #headChanged(file: FileHandle): Promise<boolean> {
    if (this.#head.length === 0) return false
    const head = Buffer.alloc(this.#head.length)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    return bytesRead < head.length || !head.equals(this.#head)
  }

  /** Up to the size that it had, and no further: a file that grows without pause must not keep the others waiting. */
  async #drain(file: FileHandle, size: number): Promise<void> {
    while (this.#offset < size) {
      const wanted = Math.min(CHUNK_BYTES, size - this.#offset)
      const { bytesRead } = await file.read(FileTail.#buffer, 0, wanted, this.#offset)
      if (bytesRead === 0) return
      const bytes = FileTail.#buffer.subarray(0, bytesRead)
      if (this.#head.length < HEAD_BYTES) {
        this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES - this.#head.length)])
      }
      this.#offset += bytesRead
      this.#lines.push(bytes)
    }
  }

  #begin(): void {
    this.#offset = 0
    this.#head = Buffer.alloc(0)
    this.#lines.reset()
  }
}
