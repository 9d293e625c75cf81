import { LogFiles } from '../journal/log-files.ts'
import { UNDECLARED } from '../lines/reader/line-reader.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { MemoryTail } from './memory-tail.ts'

/** The name of the source on the page. */
const SOURCE = 'memory'
/** The fields in which loggers write the path of a request. */
const PATH_FIELDS = ['"path":"', '"url":"']

/** The counts of the lines of this process. */
export class CountedLines {
  readonly files: LogFiles
  readonly tail: MemoryTail
  readonly thresholds: Thresholds
  readonly #mounts = new Map<string, number>()
  #needles: readonly string[] = []

  constructor(keptBytes: number, objective: Thresholds['objective']) {
    this.thresholds = { ...DEFAULT_THRESHOLDS, objective }
    this.files = new LogFiles([], UNDECLARED)
    this.files.judgeBy(this.thresholds)
    const { journal } = this.files
    this.tail = this.files.addSource(
      SOURCE,
      'service',
      (log) =>
        new MemoryTail(
          SOURCE,
          log,
          keptBytes,
          (line) => this.#isOfDashboard(line),
          () => journal.settleClocks(),
        ),
    )
  }

  /** Leaves requests below a path out: those of the page itself say nothing about the service. */
  leaveOut(prefix: string): () => void {
    const path = prefix.replace(/\/+$/, '')
    // At the root of a server, such as one for operators only, every path of the service is below the page.
    if (path === '') return () => {}
    this.#mounts.set(path, (this.#mounts.get(path) ?? 0) + 1)
    this.#useMounts()
    return () => {
      const left = (this.#mounts.get(path) ?? 1) - 1
      if (left === 0) this.#mounts.delete(path)
      else this.#mounts.set(path, left)
      this.#useMounts()
    }
  }

  #useMounts(): void {
    this.#needles = [...this.#mounts.keys()].flatMap((path) => PATH_FIELDS.map((field) => field + path))
  }

  #isOfDashboard(line: string): boolean {
    for (const needle of this.#needles) {
      const at = line.indexOf(needle)
      // `/ops` does not cover `/opsgenie`.
      if (at !== -1 && '/?"'.includes(line.charAt(at + needle.length))) return true
    }
    return false
  }
}
