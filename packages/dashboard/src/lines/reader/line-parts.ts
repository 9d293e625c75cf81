import { LINE_BYTES_MAX } from '../line-splitter.ts'

/** The most streams of one file whose unfinished lines are kept. */
const STREAMS_MAX = 64

/** Joins the parts into which a container runtime splits a long line. */
export class LineParts {
  readonly #open = new Map<string, string[]>()
  #characters = 0

  /** Whether a line is unfinished. */
  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** The parts of unfinished lines, by their streams. */
  get state(): ReadonlyMap<string, readonly string[]> {
    return this.#open
  }

  /** Takes the parts of a {@link state}. */
  restore(open: ReadonlyMap<string, readonly string[]>): void {
    for (const [stream, parts] of open) for (const part of parts) this.add(stream, part)
  }

  /** Keeps a part until the rest of its line arrives. Returns false if the line is too long. */
  add(stream: string, part: string): boolean {
    const parts = this.#open.get(stream) ?? []
    if (this.#characters + part.length > LINE_BYTES_MAX || this.#open.size >= STREAMS_MAX) {
      this.clear()
      return false
    }
    this.#characters += part.length
    parts.push(part)
    this.#open.set(stream, parts)
    return true
  }

  /** Returns the complete line that ends with this part. */
  finish(stream: string, part: string): string {
    const parts = this.#open.get(stream)
    if (parts === undefined) return part
    this.#open.delete(stream)
    const line = parts.join('')
    this.#characters -= line.length
    return line + part
  }

  /** Forgets all unfinished lines. */
  clear(): void {
    this.#open.clear()
    this.#characters = 0
  }
}
