/** The longest line that is kept. A longer one is dropped and counted as malformed. */
export const LINE_BYTES_MAX = 1_048_576

const NEWLINE = 10
/** What is left of a line of NUL bytes only. */
const HOLE = '\u0000'

/** Receives the complete lines of a byte stream. */
export interface LineSink {
  /** Receives a complete line without its newline. The line is never blank. */
  readonly line: (text: string) => void
  /** Called when a line was longer than {@link LINE_BYTES_MAX}. */
  readonly tooLong: () => void
  /**
   * Receives all complete lines between two offsets of a read together, instead of each by {@link line}. It passes those that
   * it does not read itself to {@link LineSplitter.split}, in order.
   */
  readonly lines?: (bytes: Buffer, from: number, to: number) => void
}

/**
 * Splits bytes into lines.
 *
 * Bytes after the last newline are buffered until their newline arrives, because a service may still be writing the line.
 * The splitter works on bytes, so a character that two reads split is decoded correctly. NUL bytes before a line are
 * skipped: a file that was truncated while its writer kept its position begins with a hole of any size.
 */
export class LineSplitter {
  readonly #sink: LineSink
  #parts: Buffer[] = []
  #partBytes = 0
  #openBytes = 0
  #skipping = false
  #hasHole = false
  #atStart = true

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  /** The bytes of the unfinished line so far, including those dropped because the line is too long. */
  get openBytes(): number {
    return this.#openBytes
  }

  /** Processes the next bytes. Keeps no reference to them, so the reader may reuse its buffer. */
  push(bytes: Buffer): void {
    const first = bytes.indexOf(NEWLINE)
    if (first === -1) {
      this.#buffer(bytes)
      return
    }
    this.#buffer(bytes.subarray(0, first))
    this.flush()
    const last = bytes.lastIndexOf(NEWLINE)
    if (last > first) {
      if (this.#sink.lines === undefined) this.split(bytes, first + 1, last)
      else this.#sink.lines(bytes, first + 1, last)
    }
    this.#buffer(bytes.subarray(last + 1))
  }

  /** Emits the complete lines between two offsets. The last one ends before a newline. */
  split(bytes: Buffer, from: number, to: number): void {
    // One decoding for all of them is several times faster than one for each.
    for (const text of bytes.toString('utf8', from, to).split('\n')) this.#emit(text)
  }

  /** Emits the buffered bytes as a line: its newline arrived, or the input ended. */
  flush(): void {
    if (this.#skipping) this.#sink.tooLong()
    else if (this.#partBytes > 0) this.#emit(Buffer.concat(this.#parts).toString('utf8'))
    else if (this.#hasHole) this.#emit(HOLE)
    this.#clear()
    this.#openBytes = 0
    this.#skipping = false
    this.#hasHole = false
  }

  /** Discards the buffered bytes, for a file that starts again. */
  reset(): void {
    this.#clear()
    this.#openBytes = 0
    this.#skipping = false
    this.#hasHole = false
    this.#atStart = true
  }

  #buffer(all: Buffer): void {
    this.#openBytes += all.length
    if (all.length === 0 || this.#skipping) return
    const bytes = this.#partBytes === 0 && all[0] === 0 ? this.#afterHole(all) : all
    if (bytes.length === 0) return
    if (this.#partBytes + bytes.length > LINE_BYTES_MAX) {
      this.#skipping = true
      this.#clear()
      return
    }
    this.#parts.push(Buffer.from(bytes))
    this.#partBytes += bytes.length
  }

  #afterHole(bytes: Buffer): Buffer {
    this.#hasHole = true
    let start = 1
    while (start < bytes.length && bytes[start] === 0) start += 1
    return bytes.subarray(start)
  }

  #clear(): void {
    this.#parts = []
    this.#partBytes = 0
  }

  #emit(text: string): void {
    let line = this.#atStart && text.startsWith('\uFEFF') ? text.slice(1) : text
    this.#atStart = false
    if (line.charCodeAt(0) === 0) line = withoutHole(line)
    if (line.trim() !== '') this.#sink.line(line)
  }
}

function withoutHole(line: string): string {
  let start = 1
  while (line.charCodeAt(start) === 0) start += 1
  return start === line.length ? HOLE : line.slice(start)
}
