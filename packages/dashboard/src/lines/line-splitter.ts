/** The longest line that is kept; what is longer is dropped up to its end and counted as malformed. */
export const LINE_BYTES_MAX = 1_048_576

const NEWLINE = 10

/** Hears the whole lines of a stream of bytes. */
export interface LineSink {
  /** A whole line, without its end. Never blank. */
  readonly line: (text: string) => void
  /** A line was longer than {@link LINE_BYTES_MAX}. */
  readonly tooLong: () => void
}

/**
 * Cuts bytes into lines. What stands after the last newline is kept back until its newline comes: a service may be in
 * the middle of writing it. It works on bytes, so that a character cut in two by a read stays whole.
 */
export class LineSplitter {
  readonly #sink: LineSink
  #parts: Buffer[] = []
  #partBytes = 0
  #openBytes = 0
  #skipping = false
  #atStart = true

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  /** The bytes of the unfinished line so far, those that were dropped for being too many included. */
  get openBytes(): number {
    return this.#openBytes
  }

  /** Takes the next bytes. They are not referenced afterwards: the reader may use its buffer again. */
  push(bytes: Buffer): void {
    const first = bytes.indexOf(NEWLINE)
    if (first === -1) {
      this.#keep(bytes)
      return
    }
    this.#keep(bytes.subarray(0, first))
    this.flush()
    const last = bytes.lastIndexOf(NEWLINE)
    // One decoding for all whole lines of a read is several times faster than one for each.
    if (last > first) for (const text of bytes.toString('utf8', first + 1, last).split('\n')) this.#tell(text)
    this.#keep(bytes.subarray(last + 1))
  }

  /** Takes what was kept back as a line: its newline came, or nothing will ever come. */
  flush(): void {
    if (this.#skipping) this.#sink.tooLong()
    else if (this.#partBytes > 0) this.#tell(Buffer.concat(this.#parts).toString('utf8'))
    this.#drop()
    this.#openBytes = 0
    this.#skipping = false
  }

  /** Forgets what was kept back: the file that it came from starts again. */
  reset(): void {
    this.#drop()
    this.#openBytes = 0
    this.#skipping = false
    this.#atStart = true
  }

  #keep(bytes: Buffer): void {
    this.#openBytes += bytes.length
    if (bytes.length === 0 || this.#skipping) return
    if (this.#partBytes + bytes.length > LINE_BYTES_MAX) {
      this.#skipping = true
      this.#drop()
      return
    }
    this.#parts.push(Buffer.from(bytes))
    this.#partBytes += bytes.length
  }

  #drop(): void {
    this.#parts = []
    this.#partBytes = 0
  }

  #tell(text: string): void {
    const unmarked = this.#atStart && text.startsWith('\uFEFF') ? text.slice(1) : text
    this.#atStart = false
    if (unmarked.trim() !== '') this.#sink.line(unmarked)
  }
}
