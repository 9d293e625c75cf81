import { type BigIntStats, createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { type FileIdentities, identityOf } from './file-identities.ts'
import { FileTail } from './file-tail.ts'
import type { OpenLog } from './open-log.ts'
import { PipeTail } from './pipe-tail.ts'
import { StreamTail } from './stream-tail.ts'
import type { Tail, TailSink, TailState } from './tail.ts'

/** The name of the standard input. */
export const STDIN = '-'
const STDIN_PATHS: ReadonlySet<string> = new Set([STDIN, '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])

/** Follows whatever a path turns out to be once it exists: a log file, a compressed one, or a pipe. */
export class PathTail implements Tail {
  readonly path: string
  readonly #sink: TailSink
  readonly #identities: FileIdentities
  #tail: Tail | undefined
  #state: TailState = 'waiting'

  constructor(path: string, sink: TailSink, identities: FileIdentities) {
    this.path = path
    this.#sink = sink
    this.#identities = identities
  }

  get state(): TailState {
    return this.#tail?.state ?? this.#state
  }

  get restarts(): number {
    return this.#tail?.restarts ?? 0
  }

  get note(): string | undefined {
    return this.#tail?.note
  }

  /** Whether it ends: it is the standard input, a pipe or a compressed file. */
  get isStream(): boolean {
    return this.#tail !== undefined && !(this.#tail instanceof FileTail)
  }

  /** Goes on with the file that an earlier process read. It read `rotated` before. Call it before the first poll. */
  resume(log: OpenLog | undefined, rotated: readonly OpenLog[]): void {
    const tail = new FileTail(this.path, this.#sink, this.#identities)
    tail.resume(log, rotated)
    this.#tail = tail
  }

  async poll(): Promise<void> {
    try {
      this.#tail ??= await this.#choose()
    } catch (error) {
      this.#state = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'waiting' : 'unreadable'
      return
    }
    await this.#tail?.poll()
  }

  async close(): Promise<void> {
    await this.#tail?.close()
  }

  async #choose(): Promise<Tail | undefined> {
    if (STDIN_PATHS.has(this.path)) return new StreamTail(this.path, this.#sink, () => process.stdin)
    const stats = await stat(this.path, { bigint: true })
    if (stats.isFIFO()) return new PipeTail(this.path, this.#sink)
    if (stats.isFile() && (await isGzip(this.path))) return this.#compressed(stats)
    if (stats.isCharacterDevice()) return new StreamTail(this.path, this.#sink, () => createReadStream(this.path))
    return new FileTail(this.path, this.#sink, this.#identities)
  }

  /** A compressed file under two names is read once. */
  #compressed(stats: BigIntStats): Tail | undefined {
    if (!this.#identities.claim(identityOf(stats), this)) {
      this.#state = 'same'
      return undefined
    }
    return new StreamTail(this.path, this.#sink, () => createReadStream(this.path))
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file: FileHandle = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await file.close()
  }
}
