import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { PackedReader, PackedWriter } from '../counts/packed.ts'
import type { Timeline } from '../counts/timeline.ts'
import type { Declared } from '../lines/formats/line-of.ts'
import { UNDECLARED } from '../lines/reader/line-reader.ts'
import { FileIdentities } from '../tail/file-identities.ts'
import { PathTail } from '../tail/path-tail.ts'
import type { Tail } from '../tail/tail.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { Backfill } from './backfill.ts'
import { CrowdedTail } from './crowded-tail.ts'
import { FileLog } from './file-log.ts'
import { type FileLogState, logsIn } from './file-log-state.ts'
import { type FilesState, packFiles, type Reopened, reopenFiles } from './files-state.ts'
import { Intake } from './intake.ts'
import { Journal } from './journal.ts'
import { isLeftOver, isThere } from './left-over.ts'
import { type Expanded, expand, isCompressed } from './paths.ts'
import { linesOf, POLL_MS, pollDelayMs } from './poll-delay.ts'
import { Reading } from './reading.ts'
import { ScanPool } from './scan-pool.ts'

/** How often directories and patterns are searched for new files. */
const SEARCH_MS = 2_000
/** How long answers wait for the first poll of every file. */
const FIRST_READ_MS_MAX = 3_000
/** The most files of all arguments together. */
const FILES_MAX = 5_000

/** A source of lines, and what was read from it. */
export interface LogSource {
  readonly log: FileLog
  readonly tail: Tail
}

/** Reads all log files of the dashboard. */
export class LogFiles {
  readonly journal: Journal
  /** Polls, and blocks of older lines. */
  readonly reading: Reading = new Reading()
  readonly #all: LogSource[] = []
  readonly #known = new Set<string>()
  /** The files, directories and patterns that were named. */
  readonly named: readonly string[]
  readonly #declared: Declared
  readonly #identities = new FileIdentities()
  readonly #backfill: Backfill
  #resolveFirstRead: () => void = () => {}
  readonly #firstRead = new Promise<void>((resolve) => {
    this.#resolveFirstRead = resolve
  })
  #ready: Promise<void> = Promise.resolve()
  #isEnded = false

  /**
   * `paths` are files, directories, patterns, or `-` for the standard input; `clock` is the reader's clock. `makePool` makes
   * the threads that scan large files.
   */
  constructor(
    paths: readonly string[],
    declared: Declared = UNDECLARED,
    clock: () => number = Date.now,
    makePool: (journal: Journal) => ScanPool = (journal) => new ScanPool(journal),
  ) {
    this.journal = new Journal(clock)
    this.#backfill = new Backfill(this.journal, makePool(this.journal))
    this.named = paths
    this.#declared = declared
    for (const path of paths) this.#addAll(path, expand(path))
  }

  /** All sources. Directories and patterns add to them. */
  get all(): readonly LogSource[] {
    return this.#all
  }

  /** The directories and patterns that have no file. */
  get empty(): readonly string[] {
    return this.named.filter((argument) => expand(argument).paths.length === 0)
  }

  /** The directories and patterns that have more files than are read. */
  get crowded(): readonly CrowdedTail[] {
    return this.#all.map(({ tail }) => tail).filter((tail) => tail instanceof CrowdedTail)
  }

  /** Sets the limits that counting needs. Call it before lines are read. */
  judgeBy({ failingShare, healthyShare, oldAfterMs, objective }: Thresholds): void {
    const slowerThanMs = objective?.latencyMs ?? Number.POSITIVE_INFINITY
    this.journal.services.limits = { failingShare, healthyShare, slowerThanMs, oldAfterMs }
  }

  /** All timelines with counts. */
  get timelines(): readonly Timeline[] {
    return [this.journal.named]
  }

  /** Bytes of older lines in large files: read so far, and in total. Both are 0 when no backfill is running. */
  get backfilling(): { readonly read: number; readonly all: number } {
    const logs = this.all.flatMap(({ log }) => log.backfilling)
    const all = logs.reduce((sum, { liveFrom, unreadFrom }) => sum + liveFrom - unreadFrom, 0)
    const left = logs.reduce((sum, { unreadBefore, unreadFrom }) => sum + unreadBefore - unreadFrom, 0)
    return { read: all - left, all }
  }

  /** The bytes of all open files that were read. */
  get bytesRead(): number {
    const logs = this.all.flatMap(({ log }) => log.openLogs)
    return logs.reduce((sum, { readTo, unreadBefore, unreadFrom }) => sum + readTo - unreadBefore + unreadFrom, 0)
  }

  /** Fulfils after the first poll of every file. */
  get firstRead(): Promise<void> {
    return this.#firstRead
  }

  /**
   * Fulfils when there is something to say: after the first poll of every file that is followed, but after three seconds at most.
   *
   * Earlier, some services would be missing, and files would seem not to exist.
   */
  get ready(): Promise<void> {
    return this.#ready
  }

  /** Adds a source whose lines other programs send. A line that names no service is one of `intake`. */
  addIntake(path: string): Intake {
    return this.addSource(path, 'intake', (log) => new Intake(path, log))
  }

  /** Adds a source that is no file. A line that names no service is one of `service`. */
  addSource<T extends Tail>(path: string, service: string, tailOf: (log: FileLog) => T): T {
    const log = new FileLog(path, this.journal, this.#declared, service)
    const tail = tailOf(log)
    this.#all.push({ log, tail })
    return tail
  }

  /**
   * Packs all that was read; undefined if another process could not go on from there, at least not now.
   *
   * To pack it throws a TooLargeError if the counts of a timeline have more than `bytesMax`.
   */
  state(into: PackedWriter, bytesMax: number): FilesState | undefined {
    if (this.#backfill.isWithinBlock || this.#isEnded) return undefined
    const logs: FileLogState[] = []
    for (const { log, tail } of this.#all) {
      if (tail instanceof CrowdedTail) continue
      if (!(tail instanceof PathTail) || tail.isStream) return undefined
      const { state } = log
      if (state === undefined) return undefined
      logs.push(state)
    }
    return packFiles(logs, this.journal, into, bytesMax)
  }

  /**
   * Opens the files of a state again. Changes nothing.
   *
   * @throws an error that says which file is not as it was read
   */
  async reopen(from: PackedReader): Promise<Reopened> {
    return await reopenFiles(from, [...this.#known])
  }

  /** Goes on from what another process read, before anything else is read. `from` has what follows the files. */
  restore({ states, logs }: Reopened, from: PackedReader): void {
    this.journal.restore(from)
    this.journal.traces.restore(from, logs)
    for (const one of states) {
      this.#add(one.path)
      const source = this.#all.find(({ tail }) => tail.path === one.path)
      if (!(source?.tail instanceof PathTail)) continue
      source.log.restore(one, logs)
      for (const { identity, ...soFar } of one.released) this.#identities.remember(identity, soFar)
      const rotated = logsIn(logs, one.rotated)
      const [current] = logsIn(logs, one.current === undefined ? [] : [one.current])
      if (current !== undefined || rotated.length > 0) source.tail.resume(current, rotated)
    }
  }

  /** Reads the bytes added since the last poll, one file after the other. */
  async poll(): Promise<void> {
    await this.reading.run(() => this.#pollAll())
  }

  async #pollAll(): Promise<void> {
    for (const { tail } of this.#all) {
      if (this.#isEnded) return
      await tail.poll()
    }
    this.journal.settleClocks()
    this.#resolveFirstRead()
  }

  /** Adds the files that appeared in directories or match patterns. A compressed one repeats what was read already. */
  search(): void {
    for (const argument of this.named) {
      const found = expand(argument)
      if (!found.grows) continue
      this.#dropFolders(argument, found.paths)
      this.#addAll(argument, { ...found, paths: found.paths.filter((path) => !isCompressed(path)) })
    }
  }

  /** Forgets the folders that were missing or unreadable, and were therefore waited for like files. */
  #dropFolders(argument: string, paths: readonly string[]): void {
    const dropped = this.#all.filter(({ tail }) => isLeftOver(tail, argument) && !paths.includes(tail.path))
    for (const source of dropped) {
      this.#all.splice(this.#all.indexOf(source), 1)
      this.#known.delete(source.tail.path)
    }
  }

  /** Reads everything to its end: streams until they close, and pipes until their writers do. */
  async readAll(): Promise<void> {
    await this.poll()
    while (await this.backfill());
    while (this.#all.some(({ tail }) => isStream(tail) && tail.state !== 'read' && tail.state !== 'unreadable')) {
      await delay(POLL_MS / 10)
      await this.poll()
    }
  }

  /** Reads the next older block of each large file. Returns whether there was one. */
  async backfill(): Promise<boolean> {
    return await this.reading.run(() => this.#backfillAll())
  }

  async #backfillAll(): Promise<boolean> {
    let hasRead = false
    for (const { log } of this.#all) {
      const [next] = log.backfilling
      if (next === undefined || this.#isEnded) continue
      hasRead = true
      await this.#backfill.step(log, next)
    }
    return hasRead
  }

  /** Polls several times per second until `end()`. Reads older lines in between, and calls `between` between their blocks. */
  async follow(between: () => Promise<void> = async () => {}): Promise<void> {
    this.#ready = Promise.race([this.#firstRead, delay(FIRST_READ_MS_MAX, undefined, { ref: false })])
    void this.#readOlder(between)
    let searchedMs = performance.now()
    while (!this.#isEnded) {
      if (performance.now() - searchedMs >= SEARCH_MS) {
        this.search()
        searchedMs = performance.now()
      }
      const [startedMs, before] = [performance.now(), linesOf(this.#all)]
      await this.poll()
      await delay(pollDelayMs(linesOf(this.#all) > before, performance.now() - startedMs))
    }
  }

  /** Stops reading: treats unfinished last lines as complete and closes the files. */
  async end(): Promise<void> {
    this.#isEnded = true
    // A poll or a backfill that is under way would open or read a file after it was closed.
    await this.reading.ended()
    await this.#backfill.end()
    for (const { log, tail } of this.#all) {
      await tail.close()
      log.flush()
      await log.close()
    }
  }

  #addAll(argument: string, { paths, isCut }: Expanded): void {
    let isAdded = true
    for (const path of paths) isAdded = this.#add(path) && isAdded
    if ((isAdded && !isCut) || this.crowded.some(({ path }) => path === argument)) return
    this.#all.push({ log: new FileLog(argument, this.journal, this.#declared), tail: new CrowdedTail(argument) })
  }

  /** Returns false if there are too many files. */
  #add(path: string): boolean {
    if (this.#known.has(path)) return true
    if (this.#all.length >= FILES_MAX && this.#all.filter(isThere).length >= FILES_MAX) return false
    this.#known.add(path)
    const log = new FileLog(path, this.journal, this.#declared)
    this.#all.push({ log, tail: new PathTail(path, log, this.#identities) })
    return true
  }

  async #readOlder(between: () => Promise<void>): Promise<void> {
    while (!this.#isEnded) {
      await between()
      // Yield between blocks, so that requests and new lines are served.
      if (await this.backfill()) await nextTurn()
      else await delay(POLL_MS)
    }
  }
}

function isStream(tail: Tail): boolean {
  return tail instanceof PathTail && tail.isStream
}
