import { type FileHandle, open } from 'node:fs/promises'

/** One line of a log, as JSON. */
export type LogLine = Readonly<Record<string, unknown>>

/** The reason for which a row about logs is pending. */
export const LOGS_UNKNOWN = 'the folder of the logs is unknown; pass it with --logs'

const CHUNK_BYTES = 256 * 1024
const LINES_MAX = 500_000

/** Reads a growing JSONL file: each refresh reads what was added since the last one. */
export class LogReader {
  readonly path: string
  readonly #lines: LogLine[] = []
  readonly #byTrace = new Map<string, LogLine[]>()
  readonly #malformed: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  #offset = 0
  #reading: Promise<void> | undefined

  constructor(path: string) {
    this.path = path
  }

  /** The complete lines so far, in the order of the file. */
  get lines(): readonly LogLine[] {
    return this.#lines
  }

  /** The complete lines that are not a JSON object. */
  get malformed(): readonly string[] {
    return this.#malformed
  }

  /** The text after the last line feed: an incomplete line. */
  get partial(): string {
    return this.#rest.toString('utf8')
  }

  /** Returns the lines of one trace, in the order of the file. */
  ofTrace(traceId: string): readonly LogLine[] {
    return this.#byTrace.get(traceId) ?? []
  }

  /** Reads new lines. Concurrent calls share one read. A missing file has no lines. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    let file: FileHandle | undefined
    try {
      file = await open(this.path, 'r')
      const buffer = Buffer.alloc(CHUNK_BYTES)
      while (this.#lines.length < LINES_MAX) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, this.#offset)
        if (bytesRead === 0) return
        this.#offset += bytesRead
        this.#take(buffer.subarray(0, bytesRead))
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    } finally {
      await file?.close()
    }
  }

  #take(bytes: Buffer): void {
    // Joined as bytes, because a chunk can end inside a character.
    const all = Buffer.concat([this.#rest, bytes])
    const last = all.lastIndexOf(0x0a)
    for (const line of last === -1 ? [] : all.subarray(0, last).toString('utf8').split('\n')) this.#add(line)
    this.#rest = Buffer.from(all.subarray(last + 1))
  }

  #add(text: string): void {
    const line = parsed(text)
    if (line === undefined) {
      this.#malformed.push(text)
      return
    }
    this.#lines.push(line)
    const traceId = line['trace_id']
    if (typeof traceId !== 'string') return
    const ofTrace = this.#byTrace.get(traceId)
    if (ofTrace === undefined) this.#byTrace.set(traceId, [line])
    else ofTrace.push(line)
  }
}

function parsed(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as LogLine) : undefined
  } catch {
    return undefined
  }
}
