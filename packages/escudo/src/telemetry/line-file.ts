import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { nonEmptyText } from '../core/options/options.ts'

/** A destination of log lines. `write` never throws: a full disk must not break a request. */
export interface LineSink {
  write(line: string): void
}

const RETRIES_MAX = 50
const RETRY_MS = 2
const REOPEN_DELAY_MS = 1_000

/**
 * Appends log lines to a file. Each line is one synchronous write.
 *
 * A line is in the file as soon as it is logged, even if the process dies right after. If the disk is full, the whole
 * line is dropped.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os'
 * import { createLogger, LineFile } from 'escudo/pino'
 *
 * const file = new LineFile(`${tmpdir()}/potion-shop.jsonl`)
 * const log = createLogger({ service: 'potion-shop', sink: file })
 * process.on('SIGHUP', () => file.reopen()) // after a rotation
 * log.info('started')
 * ```
 */
export class LineFile implements LineSink {
  readonly #path: string
  #fd: number | undefined
  #endsInPartialLine = false
  #reopenAtMs = 0

  /** @throws the system's error if the file cannot be opened, so that a wrong path is noticed at the start */
  constructor(path: string) {
    this.#path = nonEmptyText(path, 'LineFile.path')
    this.#fd = open(path)
  }

  write(line: string): void {
    const fd = this.#openFd()
    if (fd === undefined) return
    // The next line must not be appended to the remains of a partial one.
    const bytes = Buffer.from(this.#endsInPartialLine ? `\n${line}` : line)
    const written = writeAll(fd, bytes)
    if (written.bytes === bytes.length) this.#endsInPartialLine = false
    else if (written.bytes > 0) this.#endsInPartialLine = !removePartialLine(fd, written.bytes)
    if (written.code === 'EBADF') this.#fd = undefined
  }

  /** Closes the file, so that the next write opens the path again. Call it after the file has been moved. */
  reopen(): void {
    this.close()
    this.#reopenAtMs = 0
  }

  /** Closes the file. A later write opens it again. */
  close(): void {
    if (this.#fd === undefined) return
    try {
      closeSync(this.#fd)
    } catch {
      // The file is closed already.
    }
    this.#fd = undefined
  }

  #openFd(): number | undefined {
    if (this.#fd !== undefined || Date.now() < this.#reopenAtMs) return this.#fd
    try {
      this.#fd = open(this.#path)
    } catch {
      this.#reopenAtMs = Date.now() + REOPEN_DELAY_MS
    }
    return this.#fd
  }
}

/**
 * Writes log lines to the standard output. If its reader is gone or stuck, lines are dropped: logging must not block the
 * service.
 */
export class StandardOutput implements LineSink {
  readonly #fd: number
  #isClosed = false
  #isStalled = false
  #endsInPartialLine = false

  constructor(fd = 1) {
    this.#fd = fd
  }

  write(line: string): void {
    if (this.#isClosed) return
    const bytes = Buffer.from(this.#endsInPartialLine ? `\n${line}` : line)
    // Only the first line waits for a stuck reader. Later lines are dropped immediately until it reads again.
    const written = writeAll(this.#fd, bytes, this.#isStalled ? 0 : RETRIES_MAX)
    this.#isClosed = written.code === 'EPIPE' || written.code === 'EBADF'
    this.#isStalled = written.code === 'EAGAIN'
    if (written.bytes > 0) this.#endsInPartialLine = written.bytes < bytes.length
  }
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}

/** Writes as many bytes as possible. Waits for a full pipe, up to a limit. */
function writeAll(
  fd: number,
  bytes: Uint8Array,
  retriesMax: number = RETRIES_MAX,
): { bytes: number; code: string | undefined } {
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

/** Removes the start of an unfinished line from the file. */
function removePartialLine(fd: number, bytes: number): boolean {
  try {
    ftruncateSync(fd, fstatSync(fd).size - bytes)
    return true
  } catch {
    return false
  }
}
