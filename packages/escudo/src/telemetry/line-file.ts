import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Where lines go. A write never throws: a full disk must not break a request. */
export interface LineSink {
  write(line: string): void
}

const RETRIES_MAX = 50
const RETRY_MS = 2
const OPEN_AGAIN_MS = 1_000

/**
 * A file that lines are appended to: one write a line, at once, so that a line is in the file whole as soon as it has
 * been logged, also when the process dies right after. A line for which there is no room is left out, whole.
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
  #tornLine = false
  #openAgainAt = 0

  /** @throws the system's error when the file cannot be opened at the start: a wrong path should be noticed */
  constructor(path: string) {
    this.#path = path
    this.#fd = open(path)
  }

  write(line: string): void {
    const fd = this.#opened()
    if (fd === undefined) return
    // What is left of a line that was torn must not swallow the next one.
    const bytes = Buffer.from(this.#tornLine ? `\n${line}` : line)
    const written = writeAll(fd, bytes)
    if (written.bytes === bytes.length) this.#tornLine = false
    else if (written.bytes > 0) this.#tornLine = !takeBack(fd, written.bytes)
    if (written.code === 'EBADF') this.#fd = undefined
  }

  /** Opens the file anew, after it has been moved away. */
  reopen(): void {
    this.close()
    this.#openAgainAt = 0
  }

  /** Closes the file; a later write opens it again. */
  close(): void {
    if (this.#fd === undefined) return
    try {
      closeSync(this.#fd)
    } catch {
      // Closed already: what was wanted.
    }
    this.#fd = undefined
  }

  #opened(): number | undefined {
    if (this.#fd !== undefined || Date.now() < this.#openAgainAt) return this.#fd
    try {
      this.#fd = open(this.#path)
    } catch {
      this.#openAgainAt = Date.now() + OPEN_AGAIN_MS
    }
    return this.#fd
  }
}

/**
 * The process's standard output. Where its reader has gone, or does not read any more, lines are dropped: a service
 * does not stand still because nobody looks.
 */
export class StandardOutput implements LineSink {
  readonly #fd: number
  #isGone = false
  #isStalled = false
  #tornLine = false

  constructor(fd = 1) {
    this.#fd = fd
  }

  write(line: string): void {
    if (this.#isGone) return
    const bytes = Buffer.from(this.#tornLine ? `\n${line}` : line)
    // The first line waits for a slow reader; while that one is stuck, those after it do not.
    const written = writeAll(this.#fd, bytes, this.#isStalled ? 0 : RETRIES_MAX)
    this.#isGone = written.code === 'EPIPE' || written.code === 'EBADF'
    this.#isStalled = written.code === 'EAGAIN'
    if (written.bytes > 0) this.#tornLine = written.bytes < bytes.length
  }
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}

/** Writes all of it, or as much as goes. A pipe that is full for the moment is waited for, within bounds. */
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
      // Once begun, a line is worth a longer wait than a whole one.
      if (code !== 'EAGAIN' || retries >= (written > 0 ? RETRIES_MAX * 5 : retriesMax)) return { bytes: written, code }
      retries += 1
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
  return { bytes: written, code: undefined }
}

/** Takes the beginning of a line back that could not be finished. */
function takeBack(fd: number, bytes: number): boolean {
  try {
    ftruncateSync(fd, fstatSync(fd).size - bytes)
    return true
  } catch {
    return false
  }
}
