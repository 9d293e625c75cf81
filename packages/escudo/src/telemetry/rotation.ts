import { basename, dirname, extname, sep } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../core/options/options.ts'
import { BATCH_LENGTH_MAX, batchOf, type LineBatch, registerBatch } from './line-batch.ts'
import { LineFile, type LineSink } from './line-file.ts'
import { shareLosses } from './lost-lines.ts'

export type { LineSink } from './line-file.ts'

/** Options of {@link RotatingFile}. */
export interface RotationOptions {
  /** The size from which a file is rotated: a whole number of `B`, `K`, `M` or `G`, such as `64M`. Default `64M`. */
  readonly size?: string
  /** How often the file is rotated, such as `1d` or `6h`, at whole multiples. Default: by size only. */
  readonly interval?: string
  /** How many rotated files are kept; older ones are deleted. Default 10. */
  readonly filesMax?: number
}

const PATH = 'RotatingFile'
const RETRY_MS = 1_000
/** A rotation that has not ended by then has failed. */
const PATIENCE_MS = 10_000
const UNITS: Readonly<Record<string, number>> = { B: 1, K: 1_024, M: 1_024 ** 2, G: 1_024 ** 3 }

/**
 * Appends log lines to a file that is rotated by size and time.
 *
 * The active file keeps its name, so that readers can follow it. A rotated file gets a name with its time, such as
 * `potion-shop.20261128-213000.4242.1.jsonl`. The package `rotating-file-stream` renames, numbers and deletes; the lines
 * are written as by `LineFile`. If a rotation fails, lines go on to the old file.
 *
 * @throws ConfigurationError for an invalid option; the system's error if the file cannot be opened
 * @example
 * ```ts
 * import { tmpdir } from 'node:os'
 * import { createLogger } from 'escudo/pino'
 * import { RotatingFile } from 'escudo/rotation'
 *
 * const file = new RotatingFile(`${tmpdir()}/potion-shop.jsonl`, { size: '64M', interval: '1d', filesMax: 7 })
 * const log = createLogger({ service: 'potion-shop', sink: file })
 * log.info('started')
 * file.close()
 * ```
 */
export class RotatingFile implements LineSink {
  readonly #path: string
  readonly #options: RotationOptions
  readonly #file: LineFile
  readonly #bytesMax: number
  #rotator: RotatingFileStream | undefined
  #isRotating = false
  #retryAtMs = 0
  #isClosed = false

  constructor(path: string, options: RotationOptions = {}) {
    knownKeys(options, PATH, ['size', 'interval', 'filesMax'])
    const { size = '64M', filesMax = 10 } = options
    this.#path = path
    this.#options = { ...options, size, filesMax }
    this.#bytesMax = bytesOf(size)
    wholeNumber(filesMax, `${PATH}.filesMax`, 1)
    this.#file = new LineFile(path)
    shareLosses(this.#file, this)
    const batch = batchOf(this.#file) as LineBatch
    batch.onWritten = () => {
      if (this.#file.bytes >= this.#bytesMax) this.rotate()
    }
    // A small file must not get a batch that is larger than itself.
    batch.lengthMax = Math.min(BATCH_LENGTH_MAX, this.#bytesMax)
    registerBatch(this, batch, RotatingFile.prototype.write)
    this.#start(false)
  }

  /** How many lines could not be written. */
  get linesLost(): number {
    return this.#file.linesLost
  }

  write(line: string): void {
    this.#file.write(line)
  }

  /** Rotates the file now. Does nothing while a rotation is in progress. */
  rotate(): void {
    if (this.#isRotating || this.#isClosed || Date.now() < this.#retryAtMs) return
    this.#start(true)
  }

  /** Opens the path again. Call it after other code has moved the file. */
  reopen(): void {
    this.#file.reopen()
  }

  /** Closes the file and ends the rotation. A later write opens the file again, without rotation. */
  close(): void {
    this.#isClosed = true
    this.#rotator?.end()
    this.#file.close()
  }

  /** Starts a rotator, which rotates at once if the file is too large or too old, or if `isDue`. */
  #start(isDue: boolean): void {
    const { interval, size, filesMax = 10 } = this.#options
    const folder = dirname(this.#path)
    this.#rotator?.end()
    const rotator = createStream(nameOf(this.#path), {
      path: folder + sep,
      // No line passes through the rotator. It looks at the size once, when it starts.
      size: isDue ? '1B' : (size as '64M'),
      maxFiles: filesMax,
      history: `.${basename(this.#path)}.history`,
      ...(interval === undefined
        ? {}
        : { interval: interval as '1d', intervalBoundary: true, initialRotation: !isDue }),
    })
    this.#rotator = rotator
    this.#began(rotator)
    rotator.on('rotation', () => this.#began(rotator))
    rotator.on('rotated', () => this.#file.reopen())
    rotator.on('open', () => this.#ended(rotator))
    rotator.on('error', () => this.#failed(rotator))
    rotator.on('warning', () => {})
  }

  #began(rotator: RotatingFileStream): void {
    this.#isRotating = true
    // The rotator reports no failure of a rotation by time.
    const timer = setTimeout(() => this.#isRotating && this.#failed(rotator), PATIENCE_MS)
    timer.unref()
    rotator.once('open', () => clearTimeout(timer))
    rotator.once('close', () => clearTimeout(timer))
  }

  #ended(rotator: RotatingFileStream): void {
    if (rotator === this.#rotator) this.#isRotating = false
  }

  #failed(rotator: RotatingFileStream): void {
    if (rotator !== this.#rotator || this.#isClosed) return
    this.#isRotating = false
    this.#retryAtMs = Date.now() + RETRY_MS
    const timer = setTimeout(() => this.rotate(), RETRY_MS)
    timer.unref()
  }
}

function bytesOf(size: string): number {
  const match = /^([1-9]\d{0,9})([BKMG])$/.exec(size)
  if (match === null) throw new ConfigurationError(`${PATH}.size`, `expected a size such as '64M', got ${show(size)}`)
  return Number(match[1]) * (UNITS[match[2] as string] ?? 1)
}

/** The names of rotated files. With the process id, two processes that rotate one file never choose the same name. */
function nameOf(path: string): (time: number | Date | null, index?: number) => string {
  const extension = extname(path)
  const name = basename(path, extension)
  return (time, index = 1) => {
    if (time === null) return name + extension
    // The rotator would give the start of the interval.
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
    return `${name}.${stamp}.${process.pid}.${index}${extension}`
  }
}
