import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Spool } from './spool.ts'
import type { Tail, TailSink, TailState } from './tail.ts'

const CHUNK_BYTES = 65_536
/** The most bytes of one poll: a pipe that never runs empty must not delay other files. */
const POLL_BYTES_MAX = 4_194_304

/** Reads a named pipe, also one of a process substitution. Writers may come and go. */
export class PipeTail implements Tail {
  readonly path: string
  readonly restarts = 0
  readonly #spool: Spool
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #file: FileHandle | undefined
  #hasWriter = false
  #state: TailState = 'waiting'

  constructor(path: string, sink: TailSink) {
    this.path = path
    this.#spool = new Spool(path, sink)
  }

  get note(): string | undefined {
    return this.#spool.note
  }

  /** `waiting` for its first writer, `reading`, or `read` while its last writer is gone. */
  get state(): TailState {
    return this.#state
  }

  async poll(): Promise<void> {
    try {
      // Without O_NONBLOCK, opening would wait for a writer, and the process could not exit in the meantime.
      this.#file ??= await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
      await this.#drain(this.#file)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // There is a writer, and nothing to read now.
      if (code === 'EAGAIN') this.#writerIsThere()
      else this.#state = code === 'ENOENT' ? 'waiting' : 'unreadable'
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #drain(file: FileHandle): Promise<void> {
    for (let read = 0; read < POLL_BYTES_MAX; ) {
      const { bytesRead } = await file.read(this.#buffer, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) {
        if (this.#hasWriter) this.#writerIsGone()
        return
      }
      this.#writerIsThere()
      read += bytesRead
      await this.#spool.add(this.#buffer.subarray(0, bytesRead))
    }
  }

  #writerIsThere(): void {
    this.#hasWriter = true
    this.#state = 'reading'
  }

  #writerIsGone(): void {
    this.#hasWriter = false
    this.#state = 'read'
    this.#spool.end()
  }
}
