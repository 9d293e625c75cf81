import { closeSync, fstatSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { nonEmptyText } from '../core/options/options.ts'
import { identityOf, statsOf } from './file-identity.ts'
import { LineBatch, registerBatch } from './line-batch.ts'
import { bytesOf } from './line-text.ts'
import { Losses, registerLosses } from './lost-lines.ts'
import { blankOut, countLines, endsWithNewline, pageWrites, wholeWrites } from './partial-line.ts'

/** A destination of log lines. `write` never throws: a full disk must not break a request. */
export interface LineSink {
  write(line: string): void
}

const NEWLINE = Buffer.from('\n')
const REOPEN_DELAY_MS = 1_000
/** How often a file looks whether its path still leads to it. */
const LOOK_MS = 1_000

/**
 * Appends log lines to a file. Each call of {@link write} is one synchronous write.
 *
 * The lines of a logger are written together, see `flushInterval` of `createLogger`. Several processes can append to
 * one file. If the disk is full, whole lines are dropped and counted. A file that was moved or deleted is opened again
 * within a second; {@link reopen} does so at once.
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
  readonly #losses = registerLosses(this, new Losses())
  readonly #batch = registerBatch(this, new LineBatch((lines) => this.#write(lines)), LineFile.prototype.write)
  readonly #path: string
  #fd: number | undefined
  #failure: string | undefined
  #endsInPartialLine = false
  #isFile = false
  #bytes = 0
  #reopenAtMs = 0
  #lookAtMs = 0

  /** @throws the system's error if the file cannot be opened, so that a wrong path is noticed at the start */
  constructor(path: string) {
    this.#path = nonEmptyText(path, 'LineFile.path')
    this.#adopt(open(path))
  }

  /** How many lines could not be written. Lines that wait are written first. */
  get linesLost(): number {
    this.#batch.flush()
    return this.#losses.total
  }

  /** The size of the file, as far as known: lines of other processes are seen within a second. */
  get bytes(): number {
    return this.#bytes
  }

  /** Writes a line, after those that wait. */
  write(line: string): void {
    this.#batch.flush()
    this.#write(line)
    this.#batch.onWritten?.()
  }

  #write(lines: string): void {
    const nowMs = Date.now()
    if (this.#fd !== undefined && this.#isFile && nowMs >= this.#lookAtMs) this.#look(nowMs)
    if (this.#fd === undefined && nowMs >= this.#reopenAtMs) this.#tryOpen()
    const bytes = bytesOf(lines)
    // Another process may write to the same pipe.
    const parts = this.#isFile ? pageWrites(bytes, this.#bytes) : wholeWrites(bytes)
    for (const part of parts) this.#append(part)
  }

  /** Opens the path again. Call it after the file has been moved. If that fails, lines go to the moved file. */
  reopen(): void {
    this.#batch.flush()
    this.#reopen()
  }

  #reopen(): void {
    this.#reopenAtMs = 0
    const before = this.#fd
    if (!this.#tryOpen()) {
      // A file without a name is lost when it is closed, so its lines are lost already.
      if (before !== undefined && isDeleted(before)) this.#close()
      return
    }
    if (before !== undefined) closeQuietly(before)
  }

  /** Closes the file. A later write opens it again. */
  close(): void {
    this.#batch.flush()
    this.#close()
  }

  #close(): void {
    if (this.#fd !== undefined) closeQuietly(this.#fd)
    this.#lose()
    this.#reopenAtMs = 0
  }

  /** Notes that the file is closed. */
  #lose(): void {
    this.#fd = undefined
    // Another file may get its identity.
    this.#batch.target = ''
  }

  /** Appends lines. Of those that cannot be written, nothing is in the file afterwards, as far as possible. */
  #append(lines: Buffer, isRest = false): void {
    if (this.#fd === undefined) {
      this.#losses.lost(this.#failure, countLines(lines))
      return
    }
    // The first line must not be appended to the remains of a partial one.
    const bytes = this.#endsInPartialLine ? Buffer.concat([NEWLINE, lines]) : lines
    let written = 0
    let code = 'ENOSPC'
    try {
      written = writeSync(this.#fd, bytes)
    } catch (error) {
      code = (error as NodeJS.ErrnoException).code ?? 'other'
    }
    this.#bytes += written
    if (written === bytes.length) {
      this.#endsInPartialLine = false
      this.#losses.written()
      return
    }
    if (code === 'EBADF') this.#lose()
    const wholeTo = written === 0 ? 0 : bytes.lastIndexOf('\n', written - 1) + 1
    // The start of a line that was not written to its end.
    const part = bytes.subarray(wholeTo, written)
    if (written > 0) this.#endsInPartialLine = part.length > 0 && !blankOut(this.#path, part)
    const rest = lines.subarray(Math.max(0, wholeTo - (bytes.length - lines.length)))
    // The system says only with the next write why this one ended early.
    if (written > 0 && !isRest) this.#append(rest, true)
    else this.#losses.lost(code, countLines(rest))
  }

  /** Opens the path again if it leads to another file, or to none: the file was rotated by other code. */
  #look(nowMs: number): void {
    this.#lookAtMs = nowMs + LOOK_MS
    try {
      const at = statSync(this.#path)
      const open_ = fstatSync(this.#fd as number)
      this.#bytes = open_.size
      if (at.ino === open_.ino && at.dev === open_.dev) return
    } catch {
      // The path leads to no file, or the descriptor was closed.
    }
    this.#reopen()
  }

  #tryOpen(): boolean {
    try {
      this.#adopt(open(this.#path))
      return true
    } catch (error) {
      this.#failure = (error as NodeJS.ErrnoException).code
      this.#reopenAtMs = Date.now() + REOPEN_DELAY_MS
      this.#lookAtMs = this.#reopenAtMs
      return false
    }
  }

  #adopt(fd: number): void {
    this.#fd = fd
    this.#lookAtMs = Date.now() + LOOK_MS
    const stats = statsOf(fd)
    this.#batch.target = identityOf(stats)
    // Lines of another object for this file may wait.
    this.#batch.flush()
    this.#isFile = stats?.isFile() === true
    this.#bytes = stats?.size ?? 0
    // A process that was killed, or a machine that lost power, may have left the start of a line.
    this.#endsInPartialLine = this.#isFile && !endsWithNewline(this.#path, this.#bytes)
  }
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // The file is closed already.
  }
}

function isDeleted(fd: number): boolean {
  return (statsOf(fd)?.nlink ?? 0) === 0
}

export { StandardOutput } from './standard-output.ts'
