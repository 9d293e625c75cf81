import type { FileLog } from '../journal/file-log.ts'
import { OpenLog } from '../tail/open-log.ts'
import type { Tail, TailState } from '../tail/tail.ts'
import { MemoryFile } from './memory-file.ts'

/** How long lines wait to be counted together. */
const WAIT_MS = 100
/** After this time, other work of the process comes first. */
const SLICE_MS = 2
/** Counting takes at most a fifth of the time: this many milliseconds pass for each that it took. */
const PAUSE_PER_MS = 4
const LINES_AT_ONCE = 64
const CHARACTERS_AT_ONCE = 16_384
const TAKEN_MAX = 4_096
/** The most characters that wait. What comes on top of them is lost, and counted as such. */
const WAITING_CHARACTERS_MAX = 4_194_304
/** The lines are kept in parts, the oldest of which is dropped. A `FileLog` keeps three besides the newest. */
const PARTS = 4

/** Lines of this process. The newest are kept in memory, so that the lines of a trace are found. */
export class MemoryTail implements Tail {
  readonly path: string
  readonly restarts = 0
  readonly #log: FileLog
  readonly #partBytes: number
  readonly #afterCounting: () => void
  readonly #isSkipped: (line: string) => boolean
  #open: { readonly log: OpenLog; readonly file: MemoryFile } | undefined
  #waiting: string[] = []
  #taken = 0
  #characters = 0
  #lost = 0
  #timer: NodeJS.Timeout | undefined

  /** `isSkipped` says which lines are not counted. `keptBytes` bounds the lines that are kept. */
  constructor(
    path: string,
    log: FileLog,
    keptBytes: number,
    isSkipped: (line: string) => boolean,
    afterCounting: () => void,
  ) {
    this.path = path
    this.#log = log
    this.#partBytes = Math.floor(keptBytes / PARTS)
    this.#isSkipped = isSkipped
    this.#afterCounting = afterCounting
  }

  get state(): TailState {
    return 'reading'
  }

  get note(): string | undefined {
    if (this.#lost === 0) return undefined
    return `${this.#lost} lines were not counted, because the service wrote them faster than they may be counted`
  }

  /** How many lines were lost. */
  get lost(): number {
    return this.#lost
  }

  /** Takes a line. It only waits here: the code that logs must not be slowed down. */
  add(line: string): void {
    if (this.#characters + line.length > WAITING_CHARACTERS_MAX) {
      this.#lost += 1
      return
    }
    this.#waiting.push(line)
    this.#characters += line.length
    this.#timer ??= setTimeout(() => this.#countSlice(), WAIT_MS).unref()
  }

  /** Counts everything that waits, now. */
  async poll(): Promise<void> {
    while (this.#taken < this.#waiting.length) this.#countSome()
    this.#afterCounting()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = []
    this.#taken = 0
    this.#characters = 0
  }

  #countSlice(): void {
    const startedMs = performance.now()
    let tookMs = 0
    while (this.#taken < this.#waiting.length && tookMs < SLICE_MS) {
      this.#countSome()
      tookMs = performance.now() - startedMs
    }
    if (this.#taken < this.#waiting.length) {
      this.#timer = setTimeout(() => this.#countSlice(), tookMs * PAUSE_PER_MS).unref()
      return
    }
    this.#timer = undefined
    this.#afterCounting()
  }

  #countSome(): void {
    const first = this.#taken
    let characters = 0
    while (
      this.#taken < this.#waiting.length &&
      this.#taken - first < LINES_AT_ONCE &&
      characters < CHARACTERS_AT_ONCE
    ) {
      characters += this.#waiting[this.#taken]?.length ?? 0
      this.#taken += 1
    }
    this.#characters -= characters
    const wanted = this.#waiting.slice(first, this.#taken).filter((line) => !this.#isSkipped(line))
    // Not line by line: removing the first elements moves all others.
    if (this.#taken === this.#waiting.length || this.#taken >= TAKEN_MAX) {
      this.#waiting.splice(0, this.#taken)
      this.#taken = 0
    }
    if (wanted.length === 0) return
    const text = wanted.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join('')
    this.#push(Buffer.from(text))
  }

  #push(bytes: Buffer): void {
    const { log, file } = this.#partFor(bytes.length)
    file.append(bytes)
    log.readTo = file.bytes
    this.#log.push(bytes, file.bytes)
  }

  #partFor(bytes: number): { readonly log: OpenLog; readonly file: MemoryFile } {
    const open = this.#open
    if (open !== undefined && open.file.bytes + bytes <= this.#partBytes) return open
    if (open !== undefined) this.#log.end(open.log, 'replaced')
    const file = new MemoryFile()
    const next = { file, log: new OpenLog(this.path, file.asHandle(), 0) }
    this.#open = next
    this.#log.begin(next.log)
    return next
  }
}
