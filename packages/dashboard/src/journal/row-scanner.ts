import { LineScanner } from '../lines/scan/line-scanner.ts'
import { ScannedLines } from '../lines/scan/scanned-lines.ts'
import { RowCounter, type RowSource } from './row-counter.ts'
import type { RowJournal } from './row-journal.ts'
import { RowNames } from './row-names.ts'
import type { ScannedBlock } from './scanned-block.ts'

/** Scans lines and counts them. All files of a journal share it, because they are read one after the other. */
export class RowScanner {
  readonly #scanner = new LineScanner()
  readonly #lines = new ScannedLines()
  readonly #names: RowNames
  readonly #counter: RowCounter

  constructor(journal: RowJournal) {
    const { services, routes, instances, codes } = this.#scanner.names
    this.#names = new RowNames(journal, {
      services: services.texts,
      routes: routes.texts,
      instances: instances.texts,
      codes: codes.texts,
    })
    this.#counter = new RowCounter(journal)
  }

  /** Counts the lines of a block that a thread scanned, up to its last newline, and scans those that it did not look at. */
  count({ bytes, lines, names, end }: ScannedBlock, length: number, source: RowSource): void {
    this.#counter.count(lines, names, bytes, 0, end, source)
    this.read(bytes, end, length - 1, source)
  }

  /** Counts complete lines between two offsets. */
  read(bytes: Buffer, from: number, to: number, source: RowSource): void {
    for (let at = from; at < to; ) {
      const end = this.#scanner.scan(bytes, at, to, this.#lines)
      this.#counter.count(this.#lines, this.#names, bytes, at, end, source)
      at = end
    }
  }
}
