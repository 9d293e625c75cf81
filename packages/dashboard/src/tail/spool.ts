import { randomUUID } from 'node:crypto'
import { open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { OpenLog } from './open-log.ts'
import type { TailSink } from './tail.ts'

const NEWLINE = 10
/** The size of a temporary file. The reader keeps a few of them to find traces. */
const FILE_BYTES_MAX = 268_435_456
/** The most bytes that are counted at once. */
const PUSH_BYTES_MAX = 131_072

/** How a note begins about lines that are in no temporary file. */
export const NOT_KEPT = 'lines are counted but not kept, so traces and searches miss them'

/**
 * Copies what can be read only once into temporary files, so that the lines of a trace are found in it again.
 *
 * The files have no name, so they disappear with the process.
 */
export class Spool {
  readonly #path: string
  readonly #sink: TailSink
  readonly #isStrict: boolean
  #log: OpenLog | undefined
  #fault: string | undefined

  /** `isStrict`: what cannot be stored is not passed on either, because its sender still has it. */
  constructor(path: string, sink: TailSink, isStrict = false) {
    this.#path = path
    this.#sink = sink
    this.#isStrict = isStrict
  }

  /** Says so if lines were counted that no trace and no search will find. */
  get note(): string | undefined {
    return this.#fault === undefined ? undefined : `${NOT_KEPT}: ${this.#fault}`
  }

  /** Adds the next bytes and passes them on. */
  async add(bytes: Buffer): Promise<void> {
    const log = this.#log ?? (await this.#begin())
    if (log.readTo + bytes.length <= FILE_BYTES_MAX) return await this.#write(log, bytes)
    // A new file begins with a complete line.
    const last = bytes.lastIndexOf(NEWLINE) + 1
    if (last === 0) return await this.#write(log, bytes)
    await this.#write(log, bytes.subarray(0, last))
    this.end()
    if (last < bytes.length) await this.#write(await this.#begin(), bytes.subarray(last))
  }

  /** Treats an unfinished last line as complete. */
  end(): void {
    const log = this.#log
    this.#log = undefined
    if (log !== undefined) this.#sink.end(log, 'replaced')
  }

  async #begin(): Promise<OpenLog> {
    const name = join(tmpdir(), `escudo-dashboard-${randomUUID()}`)
    const file = await open(name, 'wx+', 0o600)
    await unlink(name).catch(() => {})
    const log = new OpenLog(this.#path, file, 0)
    this.#log = log
    this.#sink.begin(log)
    return log
  }

  async #write(log: OpenLog, bytes: Buffer): Promise<void> {
    try {
      await writeAll(log, bytes)
    } catch (error) {
      if (this.#isStrict) throw error
      // They come once. Counted lines without their traces are better than none; NUL bytes take their place.
      this.#fault = (error as Error).message
      await log.file.truncate(log.readTo + bytes.length).catch(() => {})
    }
    for (let at = 0; at < bytes.length; at += PUSH_BYTES_MAX) {
      // Yield in between, so that requests are served while much is counted.
      if (at > 0) await nextTurn()
      const part = bytes.subarray(at, at + PUSH_BYTES_MAX)
      log.readTo += part.length
      this.#sink.push(part, log.readTo)
    }
  }
}

async function writeAll(log: OpenLog, bytes: Buffer): Promise<void> {
  // A write may be short, for example on a disk that is nearly full: the next one tells why.
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await log.file.write(bytes, written, bytes.length - written, log.readTo + written)
    written += bytesWritten
  }
}
