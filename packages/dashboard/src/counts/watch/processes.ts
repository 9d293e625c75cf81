/** A process of a service, known by what it calls itself in its lines. */
export interface Process {
  readonly id: string
  firstAt: number
  lastAt: number
  /** The number of its lines. */
  lines: number
  /** When it wrote that it stops. */
  stoppedAt: number
}

const PROCESSES_MAX = 32
const STARTS_MAX = 32

/** The processes that wrote the lines of a service, and when they started. Bounded: the ones seen last are kept. */
export class Processes {
  readonly #known = new Map<string, Process>()
  readonly #starts: number[] = []
  #latest: Process | undefined

  /** The known processes, in no particular order. */
  get all(): readonly Process[] {
    return [...this.#known.values()]
  }

  /** The times of the lines that report a start, oldest first. */
  get starts(): readonly number[] {
    return this.#starts
  }

  /** Takes the processes and the starts that another one knew. */
  restore(all: readonly Process[], starts: readonly number[]): void {
    for (const process of all) this.#known.set(process.id, { ...process })
    this.#starts.push(...starts)
  }

  /** Records that a process wrote a line. */
  see(id: string, at: number): void {
    let process = this.#latest
    if (process?.id !== id) {
      process = this.#known.get(id)
      if (process === undefined) {
        if (this.#known.size >= PROCESSES_MAX) this.#forgetOldest()
        process = { id, firstAt: at, lastAt: at, lines: 0, stoppedAt: Number.NEGATIVE_INFINITY }
        this.#known.set(id, process)
      }
      this.#latest = process
    }
    process.lines += 1
    if (at > process.lastAt) process.lastAt = at
    else if (at < process.firstAt) process.firstAt = at
  }

  /** Records a line that reports a stop. */
  stop(id: string | undefined, at: number): void {
    const process = id === undefined ? undefined : this.#known.get(id)
    if (process !== undefined && at > process.stoppedAt) process.stoppedAt = at
  }

  /** Records a line that reports a start. */
  start(at: number): void {
    const index = this.#starts.findLastIndex((start) => start <= at) + 1
    if (this.#starts[index - 1] === at) return
    this.#starts.splice(index, 0, at)
    if (this.#starts.length > STARTS_MAX) this.#starts.shift()
  }

  #forgetOldest(): void {
    let oldest: Process | undefined
    for (const process of this.#known.values())
      if (oldest === undefined || process.lastAt < oldest.lastAt) oldest = process
    if (oldest !== undefined) this.#known.delete(oldest.id)
    if (this.#latest === oldest) this.#latest = undefined
  }
}
