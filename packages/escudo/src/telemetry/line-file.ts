import { closeSync, fstatSync, mkdirSync, openSync, type Stats, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { nonEmptyText } from '../core/options/options.ts'
import { Losses, registerLosses } from './lost-lines.ts'
import { blankOut, endsWithNewline } from './partial-line.ts'

/** A destination of log lines. `write` never throws: a full disk must not break a request. */
export interface LineSink {
  write(line: string): void
}

const REOPEN_DELAY_MS = 1_000
/** How often a file looks whether its path still leads to it. */
const LOOK_MS = 1_000

/**
 * Appends log lines to a file. Each line is one synchronous write.
 *
 * A line is in the file as soon as it is logged, even if the process is killed right after. Several processes can
 * append to one file. If the disk is full, the whole line is dropped and counted. A file that was moved or deleted is
 * opened again within a second; {@link reopen} does so at once.
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

  /** How many lines could not be written. */
  get linesLost(): number {
    return this.#losses.total
  }

  /** The size of the file, as far as known: lines of other processes are seen within a second. */
  get bytes(): number {
    return this.#bytes
  }

  write(line: string): void {
    const nowMs = Date.now()
    if (this.#fd !== undefined && this.#isFile && nowMs >= this.#lookAtMs) this.#look(nowMs)
    if (this.#fd === undefined && nowMs >= this.#reopenAtMs) this.#tryOpen()
    if (this.#fd === undefined) {
      this.#losses.lost(this.#failure)
      return
    }
    const code = this.#append(this.#fd, line)
    if (code === undefined) {
      this.#losses.written()
      return
    }
    if (code === 'EBADF') this.#fd = undefined
    this.#losses.lost(code)
  }

  /** Opens the path again. Call it after the file has been moved. If that fails, lines go to the moved file. */
  reopen(): void {
    this.#reopenAtMs = 0
    const before = this.#fd
    if (!this.#tryOpen()) {
      // A file without a name is lost when it is closed, so its lines are lost already.
      if (before !== undefined && isDeleted(before)) this.close()
      return
    }
    if (before !== undefined) closeQuietly(before)
  }

  /** Closes the file. A later write opens it again. */
  close(): void {
    if (this.#fd !== undefined) closeQuietly(this.#fd)
    this.#fd = undefined
    this.#reopenAtMs = 0
  }

  /** Appends bytes. Returns the code of a failure; then nothing of them is in the file, as far as possible. */
  #append(fd: number, line: string): string | undefined {
    // The line must not be appended to the remains of a partial one.
    const bytes = Buffer.from(this.#endsInPartialLine ? `\n${line}` : line)
    let written = 0
    let code = 'ENOSPC'
    try {
      written = writeSync(fd, bytes)
    } catch (error) {
      code = (error as NodeJS.ErrnoException).code ?? 'other'
    }
    if (written === bytes.length) {
      this.#endsInPartialLine = false
      this.#bytes += written
      return undefined
    }
    if (written > 0) this.#endsInPartialLine = !blankOut(this.#path, bytes.subarray(0, written))
    return code
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
    this.reopen()
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

function statsOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd)
  } catch {
    return undefined
  }
}

function isDeleted(fd: number): boolean {
  return (statsOf(fd)?.nlink ?? 0) === 0
}

export { StandardOutput } from './standard-output.ts'
