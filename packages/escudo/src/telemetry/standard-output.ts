import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { identityOf, statsOf } from './file-identity.ts'
import { LineBatch, registerBatch } from './line-batch.ts'
import { bytesOf } from './line-text.ts'
import { Losses, registerLosses } from './lost-lines.ts'
import { countLines, pageWrites, wholeWrites } from './partial-line.ts'

const NEWLINE = Buffer.from('\n')
const RETRIES_MAX = 50
const RETRY_MS = 2

/**
 * Writes log lines to the standard output. If its reader is gone or stuck, lines are dropped and counted: logging must
 * not block the service.
 */
export class StandardOutput {
  readonly #losses = registerLosses(this, new Losses())
  readonly #batch = new LineBatch((lines) => this.#write(lines))
  readonly #fd: number
  readonly #isFile: boolean
  /** The size of the file, as far as only this object writes to it. */
  #bytes: number
  #isClosed = false
  #isStalled = false
  #endsInPartialLine = false

  constructor(fd = 1) {
    this.#fd = fd
    const stats = statsOf(fd)
    this.#isFile = stats?.isFile() === true
    this.#bytes = stats?.size ?? 0
    this.#batch.target = identityOf(stats)
    // In a terminal, lines appear at once, in order with the output of `console.log`.
    if (!isatty(fd)) registerBatch(this, this.#batch, StandardOutput.prototype.write)
    if (fd === 1) stopBlocking()
  }

  /** Writes a line, after those that wait. */
  write(line: string): void {
    this.#batch.flush()
    this.#write(line)
  }

  #write(lines: string): void {
    const bytes = bytesOf(lines)
    // Child processes may write to the same pipe.
    const parts = this.#isFile ? pageWrites(bytes, this.#bytes) : wholeWrites(bytes)
    for (const part of parts) this.#append(part)
  }

  #append(lines: Buffer): void {
    if (this.#isClosed) {
      this.#losses.lost('EPIPE', countLines(lines))
      return
    }
    const bytes = this.#endsInPartialLine ? Buffer.concat([NEWLINE, lines]) : lines
    // Only the first lines wait for a stuck reader. Later ones are dropped immediately until it reads again.
    const written = writeAll(this.#fd, bytes, this.#isStalled ? 0 : RETRIES_MAX)
    this.#bytes += written.bytes
    this.#isClosed = written.code === 'EPIPE' || written.code === 'EBADF'
    this.#isStalled = written.code === 'EAGAIN'
    if (written.bytes === bytes.length) {
      this.#endsInPartialLine = false
      this.#losses.written()
      return
    }
    const wholeTo = written.bytes === 0 ? 0 : bytes.lastIndexOf('\n', written.bytes - 1) + 1
    if (written.bytes > 0) this.#endsInPartialLine = wholeTo < written.bytes
    const addedBytes = bytes.length - lines.length
    const lost = countLines(lines.subarray(Math.max(0, wholeTo - addedBytes)))
    this.#losses.lost(this.#isStalled ? 'STALLED' : written.code, lost)
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
