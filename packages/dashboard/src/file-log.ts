import { basename } from 'node:path'
import { LineSplitter } from './line-splitter.ts'
import { readLogLine } from './log-line.ts'
import { Tally } from './tally.ts'

/** What one log file said so far. */
export class FileLog {
  readonly lines = new LineSplitter({ line: (text) => this.#take(text), tooLong: () => this.#malformed() })
  readonly #service: string
  // Whether a file's lines name their events shows only as they come: both readings are kept, and the right one shown.
  readonly #named = new Tally()
  readonly #unnamed = new Tally()
  #namesEvents = false
  #read = 0
  #bad = 0

  constructor(path: string) {
    this.#service = basename(path).replace(/\.[^.]*$/, '')
  }

  /** The requests: the lines that say so, or in a file without events those with a status and a latency. */
  get requests(): Tally {
    return this.#namesEvents ? this.#named : this.#unnamed
  }

  /** Lines that were not blank. */
  get read(): number {
    return this.#read
  }

  /** Those of them that are no JSON object, or too long. */
  get malformed(): number {
    return this.#bad
  }

  #take(text: string): void {
    const line = readLogLine(text)
    if (line.kind === 'malformed') {
      this.#malformed()
      return
    }
    this.#read += 1
    this.#namesEvents ||= line.event
    if (line.kind === 'request') (line.event ? this.#named : this.#unnamed).add(line.request, this.#service)
  }

  #malformed(): void {
    this.#read += 1
    this.#bad += 1
  }
}
