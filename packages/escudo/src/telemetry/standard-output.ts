import { writeSync } from 'node:fs'
import { Losses, registerLosses } from './lost-lines.ts'

const RETRIES_MAX = 50
const RETRY_MS = 2

/**
 * Writes log lines to the standard output. If its reader is gone or stuck, lines are dropped and counted: logging must
 * not block the service.
 */
export class StandardOutput {
  readonly #losses = registerLosses(this, new Losses())
  readonly #fd: number
  #isClosed = false
  #isStalled = false
  #endsInPartialLine = false

  constructor(fd = 1) {
    this.#fd = fd
    if (fd === 1) stopBlocking()
  }

  write(line: string): void {
    if (this.#isClosed) {
      this.#losses.lost('EPIPE')
      return
    }
    const bytes = Buffer.from(this.#endsInPartialLine ? `\n${line}` : line)
    // Only the first line waits for a stuck reader. Later lines are dropped immediately until it reads again.
    const written = writeAll(this.#fd, bytes, this.#isStalled ? 0 : RETRIES_MAX)
    this.#isClosed = written.code === 'EPIPE' || written.code === 'EBADF'
    this.#isStalled = written.code === 'EAGAIN'
    if (written.bytes > 0) this.#endsInPartialLine = written.bytes < bytes.length
    if (written.bytes === bytes.length) this.#losses.written()
    else this.#losses.lost(this.#isStalled ? 'STALLED' : written.code)
  }
}

/** The pipe of a child process blocks until Node opens it as a stream: a stuck reader would stop the whole service. */
function stopBlocking(): void {
  try {
    void process.stdout
  } catch {
    // The descriptor is closed. Writing to it says so.
  }
}

/** Writes as many bytes as possible. Waits for a full pipe, up to a limit. */
function writeAll(fd: number, bytes: Uint8Array, retriesMax: number): { bytes: number; code: string | undefined } {
  let written = 0
  for (let retries = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Waits longer if a part of the line is written, so that the line becomes complete.
      if (code !== 'EAGAIN' || retries >= (written > 0 ? RETRIES_MAX * 5 : retriesMax)) return { bytes: written, code }
      retries += 1
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
  return { bytes: written, code: undefined }
}
